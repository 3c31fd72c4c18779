/** A record as a line: for a person, or as JSON with the ticket's bytes as they are. */
import { formatRfc3339Second } from '@ticket-stream/ticket';
import { parseExactly } from '../text/exact-json.ts';
import { cutToWidth, oneLine } from '../text/line.ts';
import type { TailRecord } from './tail-record.ts';

/** A path into a ticket: `satisfaction_rating.score`. */
export type FieldPath = readonly string[];

export interface LineStyle {
  readonly fields: readonly FieldPath[];
  /** Columns of the terminal; undefined: nothing is cut off. */
  readonly width: number | undefined;
}

const ID_WIDTH = 8;
const KIND_WIDTH = 7;
const STATUS_WIDTH = 8;
const PRIORITY_WIDTH = 7;

/** Time of publication (UTC), ticket, kind, status, priority, subject, and what changed where that is known. */
export function humanLine(tail: TailRecord, { fields, width }: LineStyle): string {
  const { record, event } = tail;
  const at = new Date(record.publishedAtMs).toISOString().slice(0, 19).replace('T', ' ');
  const problem = tail.problem();
  const id = event?.ticketId ?? oneLine(record.key?.toString('utf8') ?? 'no key');
  const head = `${at}  ${id.padStart(ID_WIDTH)}  `;
  if (problem !== undefined || event === undefined) {
    return cut(`${head}! ${problem}, at ${record.partition}@${record.offset}`, width);
  }
  const kind = event.kind.padEnd(KIND_WIDTH);
  if (fields.length > 0) {
    const values = exactFields(record.value, fields);
    const shown = fields.map((path, at) =>
      oneLine(`${path.join('.')}=${JSON.stringify(values[at] ?? null)}`),
    );
    return cut(`${head}${kind}  ${shown.join('  ')}`, width);
  }
  const ticket = tail.ticket();
  const changed = tail.changed();
  const tailText = changed === undefined || changed.length === 0 ? '' : `  [${oneLine(changed.join(', '))}]`;
  const state = `${text(ticket?.status).padEnd(STATUS_WIDTH)}  ${text(ticket?.priority).padEnd(PRIORITY_WIDTH)}`;
  const before = `${head}${kind}  ${state}  `;
  const subject = text(ticket?.subject) || text(ticket?.raw_subject);
  if (width === undefined) return `${before}${subject}${tailText}`.trimEnd();
  // What changed is what one follows a topic for: the subject gives way to it.
  const room = Math.max(12, width - before.length - tailText.length);
  return cut(`${before}${cutToWidth(subject, room)}${tailText}`, width).trimEnd();
}

function cut(line: string, width: number | undefined): string {
  return width === undefined ? line : cutToWidth(line, width);
}

function text(value: unknown): string {
  return typeof value === 'string' ? oneLine(value) : '';
}

/**
 * `{"partition", "offset", "publishedAt", "ticketId", "kind", "updatedStamp", "digest", "ticket"}`, and `problem` with
 * `valueBase64` for what is no ticket. The ticket is not written anew: its bytes are the record's, line ends between
 * its tokens apart, so every number has its digits.
 */
export function jsonLine(tail: TailRecord, { fields }: LineStyle): Buffer {
  const { record, event } = tail;
  const place = {
    partition: record.partition,
    offset: String(record.offset),
    publishedAt: new Date(record.publishedAtMs).toISOString(),
    ...(event === undefined
      ? { key: record.key?.toString('utf8') ?? null }
      : {
          ticketId: event.ticketId,
          kind: event.kind,
          updatedStamp: formatRfc3339Second(event.stamp),
          digest: event.digest,
        }),
  };
  const problem = tail.problem();
  if (problem !== undefined || record.value === null) {
    const valueBase64 = record.value?.toString('base64') ?? null;
    return Buffer.from(`${JSON.stringify({ ...place, problem, valueBase64 })}\n`);
  }
  const head = JSON.stringify(place).slice(0, -1);
  if (fields.length > 0) {
    const values = exactFields(record.value, fields);
    const named = fields.map(
      (path, at) => `${JSON.stringify(path.join('.'))}:${JSON.stringify(values[at] ?? null)}`,
    );
    return Buffer.from(`${head},"fields":{${named.join(',')}}}\n`);
  }
  return Buffer.concat([Buffer.from(`${head},"ticket":`), onOneLine(record.value), Buffer.from('}\n')]);
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** In JSON a line end stands between tokens only: within a string it is an escape. */
function onOneLine(value: Buffer): Buffer {
  if (!value.includes(LINE_FEED) && !value.includes(CARRIAGE_RETURN)) return value;
  return Buffer.from(value.map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte)));
}

function exactFields(value: Buffer | null, fields: readonly FieldPath[]): unknown[] {
  const ticket = parseExactly(value?.toString('utf8') ?? 'null');
  return fields.map((path) => path.reduce(member, ticket));
}

function member(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name)
    ? (holder as Record<string, unknown>)[name]
    : undefined;
}
