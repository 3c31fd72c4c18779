import { TicketStreamError } from '@ticket-stream/errors';
import type { SimulatorClock } from './clock.ts';
import type { FaultPlan } from './faults/fault-plan.ts';
import type { StuckSecond } from './history/export-pages.ts';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_CLIENT_SECRET,
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type SimulatorCredentials,
} from './http/authentication.ts';
import { type SimulatorLogger, silent } from './logger.ts';

export interface SimulatorOptions {
  /** Holds the history, the journal of commands and the ledger; made when it is not there. */
  readonly dataDir: string;
  /** Of a new history 1; given for one that is there, it must be the same. */
  readonly seed?: number | undefined;
  /** Tickets before the first start: of a new history 20,000; given for one that is there, it must be the same. */
  readonly tickets?: number | undefined;
  /** For tests: so many tickets end their history in one second. */
  readonly burst?: number | undefined;
  /** How many tickets an AI agent begins with, from 0 (default) to 1; given for a history that is there, the same. */
  readonly aiAgentShare?: number | undefined;
  /** Default: any free port. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly credentials?: SimulatorCredentials | undefined;
  /** Life of an access token of `POST /oauth/tokens`; default: 1800, as Zendesk's of client credentials. */
  readonly tokenLifeSeconds?: number | undefined;
  /** Zendesk's 10; `Infinity` for none. */
  readonly requestsPerMinute?: number | undefined;
  /** The newest seconds, left out of the export: Zendesk's 60. */
  readonly delaySeconds?: number | undefined;
  /** Zendesk's 1000. */
  readonly perPageMax?: number | undefined;
  /** Changes that happen by themselves; default: as before, 20 for a new history. */
  readonly liveChangesPerMinute?: number | undefined;
  /** The clock stands still: at this epoch second, or, with `true`, at the moment of this start. */
  readonly frozen?: boolean | number | undefined;
  /** Default: real time. */
  readonly clock?: SimulatorClock | undefined;
  /** Paces the requests and ends access tokens; milliseconds that never go back. Default: real time, whatever the clock does. */
  readonly limitNowMs?: (() => number) | undefined;
  /** What links name, such as an account's own address behind another one; default: the simulator's own. */
  readonly linkOrigin?: string | undefined;
  /** How a start time that is too recent is answered: 400 as documented, 422 as before. */
  readonly tooRecentStatus?: 400 | 422 | undefined;
  /**
   * A second with more tickets than a page: `whole` (default) exceeds the page, as recorded; `repeat` gives the same
   * page of it for ever, as users report it.
   */
  readonly stuckSecond?: StuckSecond | undefined;
  /** Answers every request of the cursor endpoint so, as an account does where it is closed. */
  readonly refuseCursor?: 403 | 404 | undefined;
  /** What goes wrong, and when; checked at the start. `seededFaults` makes one. Default: nothing. */
  readonly faults?: FaultPlan | undefined;
  /** The ledger then has every showing of a version, not only the first: for a checker that asks what each page showed. */
  readonly ledgerOfEveryShowing?: boolean | undefined;
  readonly logger?: SimulatorLogger | undefined;
}

export interface CheckedOptions {
  readonly dataDir: string;
  readonly seed: number | undefined;
  readonly tickets: number | undefined;
  readonly burst: number | undefined;
  readonly aiAgentShare: number | undefined;
  readonly port: number;
  readonly host: string;
  readonly credentials: SimulatorCredentials;
  readonly tokenLifeSeconds: number;
  readonly requestsPerMinute: number;
  readonly delaySeconds: number;
  readonly perPageMax: number;
  readonly liveChangesPerMinute: number | undefined;
  readonly frozen: boolean | number;
  readonly clock: SimulatorClock | undefined;
  readonly limitNowMs: () => number;
  readonly linkOrigin: string | undefined;
  readonly tooRecentStatus: 400 | 422;
  readonly stuckSecond: StuckSecond;
  readonly refuseCursor: 403 | 404 | undefined;
  readonly faults: FaultPlan;
  readonly ledgerOfEveryShowing: boolean;
  readonly logger: SimulatorLogger;
}

/** @throws config.invalid  naming every wrong option at once */
export function checkOptions(options: SimulatorOptions): CheckedOptions {
  const problems: string[] = [];
  const integer = (name: keyof SimulatorOptions, from: number, to: number) => {
    const value = options[name];
    if (value === undefined) return;
    if (!Number.isSafeInteger(value) || (value as number) < from || (value as number) > to) {
      problems.push(`${name}=${String(value)} must be an integer from ${from} to ${to}`);
    }
  };
  integer('seed', 0, Number.MAX_SAFE_INTEGER);
  integer('tickets', 1, 20_000_000);
  integer('burst', 0, 1_000_000);
  integer('port', 0, 65_535);
  if (options.requestsPerMinute !== Number.POSITIVE_INFINITY) integer('requestsPerMinute', 1, 1_000_000);
  integer('delaySeconds', 0, 86_400);
  integer('perPageMax', 1, 10_000_000);
  const share = options.aiAgentShare;
  if (share !== undefined && !(share >= 0 && share <= 1)) {
    problems.push(`aiAgentShare=${share} must be a number from 0 to 1`);
  }
  const rate = options.liveChangesPerMinute;
  if (rate !== undefined && !(rate >= 0 && rate <= 600_000)) {
    problems.push(`liveChangesPerMinute=${rate} must be a number from 0 to 600000`);
  }
  if (typeof options.frozen === 'number') integer('frozen', 1, 4_294_967_295);
  if (options.frozen !== undefined && options.frozen !== false && options.clock !== undefined) {
    problems.push('frozen and clock exclude each other: a clock of your own can stand still by itself');
  }
  const { credentials, linkOrigin } = options;
  if (credentials !== undefined) {
    const { token, password, oauthToken, oauthClient } = credentials;
    if ([token, password, oauthToken, oauthClient].every((secret) => secret === undefined)) {
      problems.push('credentials need a token, a password, an OAuth token or an OAuth client');
    }
  }
  integer('tokenLifeSeconds', 1, 172_800);
  if (linkOrigin !== undefined && !(URL.canParse(linkOrigin) && new URL(linkOrigin).origin === linkOrigin)) {
    problems.push(`linkOrigin=${linkOrigin} must be an origin such as https://account.zendesk.com`);
  }
  if (problems.length > 0) throw new TicketStreamError('config.invalid', problems.join('; '));
  return {
    dataDir: options.dataDir,
    seed: options.seed,
    tickets: options.tickets,
    burst: options.burst,
    aiAgentShare: share,
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    credentials: credentials ?? {
      email: DEFAULT_EMAIL,
      token: DEFAULT_TOKEN,
      oauthClient: { id: DEFAULT_CLIENT_ID, secret: DEFAULT_CLIENT_SECRET },
    },
    tokenLifeSeconds: options.tokenLifeSeconds ?? 1800,
    requestsPerMinute: options.requestsPerMinute ?? 10,
    delaySeconds: options.delaySeconds ?? 60,
    perPageMax: options.perPageMax ?? 1000,
    liveChangesPerMinute: rate,
    frozen: options.frozen ?? false,
    clock: options.clock,
    limitNowMs: options.limitNowMs ?? (() => performance.now()),
    linkOrigin,
    tooRecentStatus: options.tooRecentStatus ?? 400,
    stuckSecond: options.stuckSecond ?? 'whole',
    refuseCursor: options.refuseCursor,
    faults: options.faults ?? [],
    ledgerOfEveryShowing: options.ledgerOfEveryShowing ?? false,
    logger: options.logger ?? silent,
  };
}
