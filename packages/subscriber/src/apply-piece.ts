/**
 * One piece of a batch: decided, handed over, recorded.
 *
 * Promise 3, "effects once": the store's step is one durable act, of effects, versions, position and books.
 * Promise 4, "never backwards": only what dedupe.ts calls fresh reaches `handle`, and from the lookup of versions to
 * their record no other member works on the partition.
 * Promise 5, "everything counted": every record gets exactly one outcome, added up in that same step.
 *
 * A change that can never work must not take its piece with it, nor later versions of its own ticket: a refused piece
 * is halved, and each half decided anew from what the store holds by then, until the refused record stands alone and
 * is set aside. So every record ends as if it had come alone, with its own step and its own count.
 */
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import type { DeadLetter, DeadLetterWriter, LogRecord } from '@ticket-stream/kafka';
import { type TicketChange, ticketChange } from '@ticket-stream/ticket';
import type { Books } from './books.ts';
import type { DeadLetterWindow } from './dead-letter-window.ts';
import { type Decision, decideBatch, decodeRecord, possiblyFresh } from './dedupe.ts';
import { halves, type Piece } from './pieces.ts';
import { recordTraceId } from './process-span.ts';
import type { StoreStep, VersionStore } from './version-store/version-store.ts';

export interface PieceParts {
  readonly topic: string;
  readonly group: string;
  readonly store: VersionStore;
  readonly handle: (changes: readonly TicketChange[]) => void | Promise<void>;
  readonly deadLetters: Pick<DeadLetterWriter, 'write'>;
  readonly excludeSystemUpdates: boolean;
  /** Left out where dead letters are no sign of anything: while letters are tried again. */
  readonly window?: DeadLetterWindow;
}

export type Outcome = Decision['outcome'];

/** Recorded, with one outcome a record; or to be done again in parts. */
export type Applied =
  | { readonly books: Books; readonly outcomes: readonly Outcome[] }
  | { readonly parts: readonly Piece[] };

/**
 * Repeating it is harmless: nothing is kept outside the store's step but dead letters, and of those which were written.
 */
export function pieceApplier(parts: PieceParts): (piece: Piece, logId: string) => Promise<Applied> {
  const { store, handle, deadLetters, window } = parts;
  /**
   * Set aside already, while their step is tried again, whole or in parts, other partitions in between: a sink that is
   * down for an hour makes no thousand letters.
   */
  const written = new Set<string>();
  const placeOf = ({ partition, offset }: LogRecord, logId: string) => `${logId}/${partition}/${offset}`;

  async function decide(records: readonly LogRecord[]): Promise<Decision[]> {
    const decoded = records.map(decodeRecord);
    const ids = new Set<string>();
    for (const item of decoded) if ('event' in item) ids.add(item.event.ticketId);
    const stored = await store.readVersions([...ids]);
    if (store.readTickets === undefined) return decideBatch(decoded, stored);
    const tickets = await store.readTickets(possiblyFresh(decoded, stored));
    return decideBatch(decoded, stored, { tickets, excludeSystemUpdates: parts.excludeSystemUpdates });
  }

  async function setAside(decisions: readonly Decision[], logId: string): Promise<void> {
    for (const decision of decisions) {
      if (decision.outcome !== 'deadLetter') continue;
      const { record, error } = decision;
      const place = placeOf(record, logId);
      if (written.has(place)) continue;
      await deadLetters.write([letterOf(parts, record, error)]);
      written.add(place);
    }
  }

  /** Set aside before the position moves: after a crash in between, the letter is written again under its key. */
  async function record(
    decisions: readonly Decision[],
    piece: Piece,
    logId: string,
    effect: (changes: readonly TicketChange[]) => void | Promise<void>,
  ): Promise<Applied> {
    const refusals = decisions.map((decision) => (decision.outcome === 'deadLetter' ? decision : undefined));
    window?.admit(refusals);
    await setAside(decisions, logId);
    const changes = toChanges(decisions);
    const step = stepOf(decisions, changes, piece, logId);
    await store.record(step, () => (changes.length > 0 ? effect(changes) : undefined));
    window?.move(refusals);
    for (const { record } of decisions) written.delete(placeOf(record, logId));
    return { books: step.books, outcomes: decisions.map(({ outcome }) => outcome) };
  }

  async function apply(piece: Piece, logId: string): Promise<Applied> {
    const decisions = await decide(piece.records);
    try {
      return await record(decisions, piece, logId, handle);
    } catch (error) {
      if (!isTicketStreamError(error) || error.disposition !== 'dead_letter') throw error;
      const [only, second] = piece.records;
      if (only === undefined || second !== undefined) return { parts: halves(piece) };
      return record([{ outcome: 'deadLetter', record: only, error }], piece, logId, () => undefined);
    }
  }

  return (piece, logId) =>
    store.exclusively === undefined
      ? apply(piece, logId)
      : store.exclusively(piece.partition, () => apply(piece, logId));
}

function toChanges(decisions: readonly Decision[]): TicketChange[] {
  return decisions.flatMap((decision) => {
    if (decision.outcome !== 'fresh') return [];
    const { event, ticket, value, previous, version, record } = decision;
    return [
      ticketChange({
        ticketId: event.ticketId,
        kind: event.kind,
        ticket,
        value,
        previous,
        version,
        source: event.source,
        publishedAtMs: record.publishedAtMs,
        traceId: recordTraceId(record),
      }),
    ];
  });
}

function stepOf(
  decisions: readonly Decision[],
  changes: readonly TicketChange[],
  { partition, nextOffset }: Piece,
  logId: string,
): StoreStep {
  const count = (outcome: Outcome) => decisions.filter((decision) => decision.outcome === outcome).length;
  return {
    versions: new Map(changes.map(({ ticketId, version }) => [ticketId, version])),
    values: new Map(changes.map(({ ticketId, value }) => [ticketId, value])),
    positions: nextOffset === undefined ? [] : [{ partition, logId, nextOffset }],
    books: {
      consumed: decisions.length,
      applied: changes.length,
      duplicate: count('duplicate'),
      stale: count('stale'),
      skipped: count('skipped'),
      deadLettered: count('deadLetter'),
    },
  };
}

export function letterOf(
  { group, topic }: Pick<PieceParts, 'group' | 'topic'>,
  record: LogRecord,
  error: TicketStreamError,
): DeadLetter {
  return {
    code: error.code,
    cause: error.message,
    origin: {
      kind: 'record',
      group,
      topic,
      partition: record.partition,
      offset: record.offset,
      recordKey: record.key,
      headers: record.headers,
    },
    bytes: record.value ?? Buffer.alloc(0),
  };
}
