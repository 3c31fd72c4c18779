/** The simulator as a command of its own: a Zendesk account to try things against, and commands to change it. */
import { asTicketStreamError, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { Command, InvalidArgumentError, Option } from 'commander';
import { scaledClock } from './clock.ts';
import { addControlCommands, standaloneFolder } from './control-commands.ts';
import { type FaultPlan, seededFaults } from './faults/fault-plan.ts';
import { readFaultPlan } from './faults/plan-check.ts';
import type { StuckSecond } from './history/export-pages.ts';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_CLIENT_SECRET,
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
} from './http/authentication.ts';
import { isoSecond } from './iso-second.ts';
import type { SimulatorLogger } from './logger.ts';
import { startSimulator } from './simulator.ts';

const DEFAULT_PORT = 7780;
const PORTS_TRIED = 50;
const DATA_ROOT = process.env['DATA_DIR'] ?? '.data';

interface StartOptions {
  readonly dataDir: string;
  readonly seed?: number;
  readonly tickets?: number;
  readonly burst?: number;
  readonly port?: number;
  readonly host: string;
  readonly email: string;
  readonly token: string;
  readonly password?: string;
  readonly oauthToken?: string;
  readonly oauthClientId: string;
  readonly oauthClientSecret: string;
  readonly oauthTokenLife: number;
  readonly requestsPerMinute: number;
  readonly delaySeconds: number;
  readonly perPageMax: number;
  readonly liveChangesPerMinute?: number;
  readonly frozen?: true | number;
  readonly timeScale?: number;
  readonly linkOrigin?: string;
  readonly tooRecent: number;
  readonly aiAgentShare?: number;
  readonly stuckSecond: StuckSecond;
  readonly refuseCursor?: string;
  readonly scaleLimit?: true;
  readonly faults?: string;
  readonly faultSeed?: number;
  readonly faultEvery?: number;
}

const program = new Command('zendesk-simulator')
  .description(
    "Zendesk's incremental ticket export with invented tickets: paging, limits and refusals as the real one has them.",
  )
  .enablePositionalOptions()
  // Wrong usage is configuration: exit code 2, as everywhere in this project; help is no error.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.configuration))
  .option(
    '--data-dir <folder>',
    'keeps the history, the journal of commands and the ledger',
    standaloneFolder(DATA_ROOT),
  )
  .option('--seed <number>', 'which history; of a folder that has one, the same (default: 1)', integer)
  .option('--tickets <number>', 'tickets before the first start (default: 20000)', integer)
  .option('--burst <number>', 'for tests: so many tickets end their history in one second', integer)
  .option('--port <port>', `default: ${DEFAULT_PORT}, or the next one that is free`, integer)
  .option('--host <address>', 'where to listen', '127.0.0.1')
  .option('--email <address>', 'accepted user', DEFAULT_EMAIL)
  .option('--token <token>', 'accepted API token', DEFAULT_TOKEN)
  .option('--password <password>', 'accepted password (default: none)')
  .addOption(
    new Option('--oauth-token <token>', 'accepted OAuth token, good for ever (default: none)').env(
      'SIMULATOR_OAUTH_TOKEN',
    ),
  )
  .option('--oauth-client-id <id>', 'client that may ask for access tokens', DEFAULT_CLIENT_ID)
  .addOption(
    new Option('--oauth-client-secret <secret>', 'its secret')
      .env('SIMULATOR_OAUTH_CLIENT_SECRET')
      .default(DEFAULT_CLIENT_SECRET),
  )
  .option('--oauth-token-life <seconds>', 'how long its access tokens are good', integer, 1800)
  .option('--requests-per-minute <number>', 'of the export, or "unlimited"', requestLimit, 10)
  .option('--delay-seconds <number>', 'the newest seconds, which the export leaves out', integer, 60)
  .option('--per-page-max <number>', 'largest per_page', integer, 1000)
  .option(
    '--live-changes-per-minute <number>',
    'changes that happen by themselves (default: as before, or 20)',
    Number,
  )
  .option('--frozen [moment]', 'the clock stands still, now or at an ISO date or epoch second', moment)
  .option('--time-scale <factor>', 'the clock runs so many times as fast as the real one', Number)
  .option('--scale-limit', 'the request limit and the life of tokens follow --time-scale, too')
  .option('--link-origin <origin>', 'what next_page names instead of the simulator itself')
  .option('--too-recent <status>', '400 as documented, or 422 as older accounts answered', integer, 400)
  .option(
    '--ai-agent-share <share>',
    'of the tickets, from 0 to 1: begun by an AI agent (default: 0)',
    Number,
  )
  .addOption(
    new Option(
      '--stuck-second <how>',
      'a second too full for a page: shown whole, or one page of it for ever',
    )
      .choices(['whole', 'repeat'])
      .default('whole'),
  )
  .addOption(
    new Option('--refuse-cursor <status>', 'how every request by cursor is answered').choices(['403', '404']),
  )
  .option('--faults <file>', 'what goes wrong, and when: a JSON list of rules (README.md)')
  .option(
    '--fault-seed <number>',
    'what goes wrong is a function of it (default: 1, with --fault-every)',
    integer,
  )
  .option('--fault-every <n>', 'on every n-th request (default: 3, with --fault-seed)', integer)
  .action(async (options: StartOptions) => {
    await start(options);
  });

addControlCommands(program, DATA_ROOT);

async function start(options: StartOptions): Promise<void> {
  if (options.tooRecent !== 400 && options.tooRecent !== 422) {
    throw new TicketStreamError('config.invalid', '--too-recent must be 400 or 422');
  }
  if (options.timeScale !== undefined && !(options.timeScale > 0)) {
    throw new TicketStreamError('config.invalid', '--time-scale must be a number above 0');
  }
  if (options.scaleLimit === true && options.timeScale === undefined) {
    throw new TicketStreamError('config.invalid', '--scale-limit needs --time-scale');
  }
  const clock = options.timeScale === undefined ? undefined : scaledClock(options.timeScale);
  const faults = faultPlan(options);
  const simulator = await onFreePort(options.port, (port) =>
    startSimulator({
      ...options,
      port,
      credentials: {
        email: options.email,
        token: options.token,
        password: options.password,
        oauthToken: options.oauthToken,
        oauthClient: { id: options.oauthClientId, secret: options.oauthClientSecret },
      },
      tokenLifeSeconds: options.oauthTokenLife,
      clock,
      limitNowMs: options.scaleLimit === true ? clock?.nowMs : undefined,
      faults,
      tooRecentStatus: options.tooRecent as 400 | 422,
      refuseCursor:
        options.refuseCursor === undefined ? undefined : (Number(options.refuseCursor) as 403 | 404),
      logger: lineLogger,
    }),
  );
  const status = simulator.status();
  const limit =
    status.requestsPerMinute === null ? 'no request limit' : `${status.requestsPerMinute} requests a minute`;
  print(
    `Zendesk simulator   ${simulator.url}\n` +
      `source              ${simulator.source}\n` +
      `tickets             ${status.ticketsNow}, ${status.liveChangesPerMinute} live changes a minute\n` +
      `as Zendesk          ${limit}, the newest ${status.delaySeconds} s left out, clock at ${isoSecond(status.now)}${status.frozen ? ', standing still' : ''}\n` +
      `try                 curl -u '${options.email}/token:${options.token}' '${simulator.url}/api/v2/incremental/tickets?start_time=0&per_page=2'\n`,
  );
  const stop = () => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    simulator.stop().catch(fail);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function faultPlan({ faults: file, faultSeed, faultEvery }: StartOptions): FaultPlan {
  const seeded =
    faultSeed === undefined && faultEvery === undefined
      ? []
      : seededFaults({ seed: faultSeed ?? 1, everyNth: faultEvery ?? 3 });
  // Rules that somebody wrote come first.
  return file === undefined ? seeded : [...readFaultPlan(file), ...seeded];
}

/** A port that is not set and taken becomes the next free one; one that is set and taken is an error. */
async function onFreePort<T>(port: number | undefined, listen: (port: number) => Promise<T>): Promise<T> {
  if (port !== undefined) return await listen(port);
  for (let tried = DEFAULT_PORT; ; tried++) {
    try {
      return await listen(tried);
    } catch (error) {
      if (asTicketStreamError(error).code !== 'config.port_taken' || tried >= DEFAULT_PORT + PORTS_TRIED)
        throw error;
    }
  }
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function requestLimit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : integer(text);
}

function moment(text: string): number {
  const second = /^\d+$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1000);
  if (!Number.isFinite(second)) throw new InvalidArgumentError('It must be an ISO date or an epoch second.');
  return second;
}

function print(text: string): void {
  process.stdout.write(text);
}

const lineLogger: SimulatorLogger = {
  info() {},
  warn(context, message) {
    const { err } = context as { err?: Error };
    process.stderr.write(`${message}${err === undefined ? '' : `: ${err.message}`}\n`);
  },
};

function fail(error: unknown): void {
  const known = asTicketStreamError(error);
  process.stderr.write(`${known.code}: ${known.message}\n${known.remedy}\n`);
  process.exitCode = known.exitCode;
}

await program.parseAsync().catch(fail);
