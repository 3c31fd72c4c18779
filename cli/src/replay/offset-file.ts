/**
 * Offsets as a file: the CSV that `kafka-consumer-groups --export` prints and its `--from-file` reads, a line a
 * partition, `topic,partition,offset` or `group,topic,partition,offset`. Its writer puts long names in quotes; both
 * ways are read.
 */
import { readFileSync } from 'node:fs';
import { TicketStreamError } from '@ticket-stream/errors';

/** Kafka's offsets are signed 64-bit numbers. */
const OFFSET_MAX = 2n ** 63n - 1n;
/** A line for each of 200,000 partitions, the most a cluster has. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

interface Wanted {
  readonly topic: string;
  /** Lines of other groups are left out. */
  readonly group: string;
  /** For errors: `--from-file offsets.csv`. */
  readonly flag: string;
}

/** @returns offset by partition; of two lines of one partition the last. @throws config.invalid  naming the line */
export function readOffsetFile(path: string, wanted: Wanted): ReadonlyMap<number, bigint> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TicketStreamError('config.invalid', `${wanted.flag}: the file cannot be read`, {
      cause: error,
    });
  }
  if (text.length > FILE_BYTES_MAX) throw refused(`${wanted.flag}: no file of offsets is that large`);
  return parseOffsets(text, wanted);
}

export function parseOffsets(text: string, { topic, group, flag }: Wanted): ReadonlyMap<number, bigint> {
  const offsets = new Map<number, bigint>();
  const otherGroups = new Set<string>();
  for (const [at, line] of text.split('\n').entries()) {
    const cells = splitLine(line.replace(/\r$/, ''));
    if (cells.length === 1 && cells[0]?.trim() === '') continue;
    const place = `${flag}, line ${at + 1}`;
    if (cells.length !== 3 && cells.length !== 4) {
      throw refused(
        `${place} has ${cells.length} fields; it is topic,partition,offset or group,topic,partition,offset`,
      );
    }
    const [ofTopic = '', partition = '', offset = ''] = cells.slice(-3).map((cell) => cell.trim());
    const ofGroup = cells.length === 4 ? cells[0]?.trim() : undefined;
    if (ofGroup !== undefined && ofGroup !== group) {
      otherGroups.add(ofGroup);
      continue;
    }
    if (ofTopic !== topic) {
      throw refused(`${place} is of topic ${ofTopic}; this command moves ${topic} alone`);
    }
    if (!/^\d{1,9}$/.test(partition)) throw refused(`${place}: ${partition} is no partition`);
    if (!/^\d{1,19}$/.test(offset) || BigInt(offset) > OFFSET_MAX) {
      throw refused(`${place}: ${offset} is no offset`);
    }
    offsets.set(Number(partition), BigInt(offset));
  }
  if (offsets.size > 0) return offsets;
  const others = otherGroups.size === 0 ? '' : `; it has ${[...otherGroups].slice(0, 5).join(', ')}`;
  throw refused(`${flag} has no line for the group ${group}${others}`);
}

/** What `--from-file` of either tool reads. */
export function formatOffsets(topic: string, offsets: Iterable<readonly [number, bigint]>): string {
  return [...offsets].map(([partition, offset]) => `${topic},${partition},${offset}\n`).join('');
}

/** Quotes as in RFC 4180; a topic's name has no line break. */
function splitLine(line: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (character === '"') {
      if (isQuoted && line[at + 1] === '"') {
        cell += '"';
        at++;
      } else {
        isQuoted = !isQuoted;
      }
    } else if (character === ',' && !isQuoted) {
      cells.push(cell);
      cell = '';
    } else {
      cell += character;
    }
  }
  return [...cells, cell];
}

function refused(message: string): TicketStreamError {
  return new TicketStreamError('config.invalid', message, {
    remedy: 'Correct the file; --export prints one. Nothing was changed.',
  });
}
