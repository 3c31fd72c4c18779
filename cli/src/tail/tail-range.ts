/** From where to where a tail reads, as offsets of the partitions that it reads. */
import { TicketStreamError } from '@ticket-stream/errors';
import { keyPartitioner, type LogReader } from '@ticket-stream/kafka';
import { MOMENT_EXPECTED, readMoment } from '../environment/moment-flag.ts';

export interface RangeFlags {
  readonly from: string;
  readonly until?: string;
  readonly key?: string;
  readonly partition?: number;
}

export interface TailRange {
  readonly from: ReadonlyMap<number, bigint>;
  /** undefined: never ends. */
  readonly to: ReadonlyMap<number, bigint> | undefined;
}

type Offsets = ReadonlyMap<number, bigint>;

/**
 * @param topic  is there
 * @throws config.invalid  naming the partitions, or the range of offsets that a partition has
 */
export async function readRange(
  reader: LogReader,
  topic: string,
  flags: RangeFlags,
  nowMs: number,
): Promise<TailRange> {
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const partitions = partitionsOf(topic, ends, flags);
  const of = (offsets: Offsets): Offsets =>
    new Map(partitions.map((partition) => [partition, offsets.get(partition) ?? 0n]));

  async function place(flag: '--from' | '--until', given: string): Promise<Offsets> {
    if (/^\d{1,19}$/.test(given))
      return of(atOffset(flag, BigInt(given), { topic, partitions, starts, ends }));
    const moment = readMoment(given, nowMs, false);
    if (moment === undefined) {
      const words = flag === '--from' ? 'earliest, latest' : 'now';
      throw invalid(`${flag} ${given}`, `It is ${words}, an offset, ${MOMENT_EXPECTED}.`);
    }
    if (moment > nowMs) {
      const instead = flag === '--from' ? 'begin with what comes next' : 'follow the topic until Ctrl-C';
      throw invalid(`${flag} ${given} lies ahead`, `Leave it out to ${instead}.`);
    }
    return of(await reader.offsetsAt(topic, moment));
  }

  const { from, until } = flags;
  return {
    from: from === 'earliest' ? of(starts) : from === 'latest' ? of(ends) : await place('--from', from),
    to: until === undefined ? undefined : until === 'now' ? of(ends) : await place('--until', until),
  };
}

function partitionsOf(topic: string, ends: Offsets, { key, partition }: RangeFlags): number[] {
  const all = [...ends.keys()].toSorted((a, b) => a - b);
  if (partition !== undefined && !all.includes(partition)) {
    throw invalid(`${topic} has no partition ${partition}`, `Its partitions are 0 to ${all.length - 1}.`);
  }
  if (key === undefined) return partition === undefined ? all : [partition];
  const ofKey = keyPartitioner(all.length)(key);
  if (partition !== undefined && partition !== ofKey) {
    throw invalid(`ticket ${key} is not in partition ${partition}`, `It is in partition ${ofKey}.`);
  }
  return [ofKey];
}

function atOffset(
  flag: string,
  offset: bigint,
  {
    topic,
    partitions,
    starts,
    ends,
  }: { topic: string; partitions: number[]; starts: Offsets; ends: Offsets },
): Offsets {
  const [only] = partitions;
  if (only === undefined || partitions.length > 1) {
    throw invalid(
      `${flag} ${offset} is an offset, and each of the ${partitions.length} partitions has its own`,
      'Name the partition with --partition or the ticket with --key, or give a time.',
    );
  }
  const [start, end] = [starts.get(only) ?? 0n, ends.get(only) ?? 0n];
  if (offset < start || offset > end) {
    throw invalid(`${topic}-${only} has no offset ${offset}`, `It holds ${start} to ${end}.`);
  }
  return new Map([[only, offset]]);
}

function invalid(message: string, remedy: string): TicketStreamError {
  return new TicketStreamError('config.invalid', message, { remedy });
}
