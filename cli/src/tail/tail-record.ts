/**
 * A record on its way through a tail. What a filter does not need is not done: the headers are read before the value,
 * and the value is parsed at most once, when something asks for it.
 */
import { isUtf8 } from 'node:buffer';
import { asTicketStreamError } from '@ticket-stream/errors';
import type { LogRecord } from '@ticket-stream/kafka';
import { changedFields, decodeEvent, type Ticket, type TicketEvent } from '@ticket-stream/ticket';

export interface TailRecord {
  readonly record: LogRecord;
  /** undefined where key or headers are none of an event. */
  readonly event: TicketEvent | undefined;
  /** What is wrong with key, headers or value; asks for the value. */
  problem(): string | undefined;
  /** undefined where the value is no JSON object. */
  ticket(): Ticket | undefined;
  /** The version seen before; undefined where there was none in this run. */
  previous(): Ticket | undefined;
  /** Names of the fields that differ from it; undefined without one. */
  changed(): readonly string[] | undefined;
}

/** @param before  the bytes of the version seen before */
export function tailRecord(
  record: LogRecord,
  before: (event: TicketEvent) => Buffer | undefined,
): TailRecord {
  let event: TicketEvent | undefined;
  let headerProblem: string | undefined;
  try {
    event = decodeEvent(record.key, record.headers);
  } catch (error) {
    headerProblem = asTicketStreamError(error).message;
  }
  const ticket = once(() => parseTicket(record.value));
  const previous = once(() => parseTicket(event === undefined ? null : (before(event) ?? null)));
  return {
    record,
    event,
    ticket,
    previous,
    problem: () => headerProblem ?? (ticket() === undefined ? valueProblem(record.value) : undefined),
    changed: once(() => {
      const [now, then] = [ticket(), previous()];
      return now === undefined || then === undefined ? undefined : changedFields(then, now);
    }),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function parseTicket(value: Buffer | null): Ticket | undefined {
  if (value === null || !isUtf8(value)) return undefined;
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Ticket)
      : undefined;
  } catch {
    return undefined;
  }
}

function valueProblem(value: Buffer | null): string {
  return value === null ? 'the record has no value' : 'the value is not the JSON of a ticket';
}
