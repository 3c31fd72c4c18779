/**
 * A ticket of the log that the walk did not show is not extra yet: one that changes while the walk goes on stands in the
 * newest time, which the export leaves out, as often as it changes. Two looks tell it from one that Zendesk has not:
 *
 *   by its id                 Zendesk has it still, so it changed since
 *   at the export once more   up to that moment: a deleted ticket is not shown by its id, but stands there, and moves no
 *                             more
 *
 * What neither shows is extra. In an account where much goes on many tickets changed in the last minute of the walk; most
 * of them stand still for the next one, so the export is read on before any is asked for by its id.
 */
import { asTicketStreamError } from '@ticket-stream/errors';
import {
  askedToWaitMs,
  createBackoff,
  createPacer,
  type ExportClient,
  type ExportState,
  realWaiting,
  type Waiting,
} from '@ticket-stream/zendesk-export';
import type { ComparisonStore } from './comparison-store.ts';
import type { ExportReading } from './export-reading.ts';
import { type Grounds, judge } from './verdict.ts';
import { readOn } from './verify-walk.ts';

export interface ExtraTickets {
  readonly reading: Pick<ExportReading, 'readPage'>;
  /** Where the walk ended. */
  readonly state: ExportState;
  readonly store: ComparisonStore;
  readonly grounds: Grounds;
  readonly client: Pick<ExportClient, 'openTicket'>;
  readonly delaySeconds: number;
  readonly signal: AbortSignal;
  readonly onState: (state: ExportState) => void;
  readonly onRequest: () => void;
  readonly waiting?: Waiting;
}

/** Where more are left, something else is wrong than tickets that change again and again. */
const ASKED_MAX = 60;
/** The export's allowance is not used for it, but that of all of the account's requests, which agents share. */
const REQUESTS_PER_MINUTE = 60;
const ATTEMPTS_MAX = 5;
const GONE: ReadonlySet<unknown> = new Set([404, 410]);

/**
 * Notes which of them Zendesk has after all.
 * @returns false where it stays open whether each of the others is extra
 * @throws the signal's reason, and what the reading throws
 */
export async function lookForExtra(look: ExtraTickets): Promise<boolean> {
  if (extraTickets(look).length === 0) return true;
  const { reading, store, delaySeconds, onState, waiting = realWaiting } = look;
  const on = { delaySeconds, onState, nowMs: waiting.nowMs };
  const { state } = await readOn(reading, look.state, on);
  const extra = extraTickets(look);
  if (extra.length === 0) return true;
  const askById = createAskById(look, waiting);
  let known = extra.length <= ASKED_MAX;
  let isAnyGone = false;
  for (const id of extra.slice(0, ASKED_MAX)) {
    const isShown = await askById(id);
    if (isShown === undefined) known = false;
    else if (isShown) store.noteShownById(id);
    else isAnyGone = true;
  }
  if (!isAnyGone) return known;
  const { reached } = await readOn(reading, state, on);
  return known && reached;
}

/** The first ids of them, and one more than are asked for. */
function extraTickets({ store, grounds }: ExtraTickets): string[] {
  const ids: string[] = [];
  for (const comparison of store.comparisons()) {
    if (judge(comparison, grounds).verdict !== 'extra') continue;
    ids.push(comparison.key);
    if (ids.length > ASKED_MAX) break;
  }
  return ids;
}

/** @returns asks whether Zendesk shows a ticket by its id; undefined: it does not say */
function createAskById({ client, signal, onRequest }: ExtraTickets, waiting: Waiting) {
  const pacer = createPacer({ requestsPerMinute: REQUESTS_PER_MINUTE, waiting });
  const backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  return async (id: string): Promise<boolean | undefined> => {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      await pacer.turn(signal);
      onRequest();
      try {
        (await client.openTicket({ id, signal })).discard();
        backoff.reset();
        return true;
      } catch (cause) {
        signal.throwIfAborted();
        const error = asTicketStreamError(cause);
        if (GONE.has(error.context['status'])) return false;
        if (error.disposition !== 'retry') return undefined;
        pacer.holdOff(Math.max(askedToWaitMs(error), backoff.nextMs()));
      }
    }
    return undefined;
  };
}
