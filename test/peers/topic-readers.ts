/**
 * One topic through five pairs of eyes: our subscriber's record stream, our group-less reader, and three clients that
 * nobody here wrote. Each answers with the same lines, one a record, in the order of partition and offset: what is in
 * one reader's and not in another's is then a difference of text.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import { type LogReader, type LogRecord, openRecordStream, silentLogger } from '@ticket-stream/kafka';
import { until } from '../support/condition.ts';
import type { TicketsLog } from '../support/tickets-log.ts';

interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  /** SHA-256 of its bytes. */
  readonly value: string | null;
}

export interface ReadTopic {
  readonly brokers: string;
  readonly topic: string;
  /** Where read_committed readers end. */
  readonly ends: ReadonlyMap<number, bigint>;
}

function lines(records: readonly SeenRecord[]): string[] {
  return records
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    .map(({ partition, offset, key, headers, value }) => {
      const sorted = headers.map((header) => JSON.stringify(header)).sort();
      return `${partition}/${offset} ${key} ${value} ${sorted.join(' ')}`;
    });
}

const digest = (value: Buffer | null) =>
  value === null ? null : createHash('sha256').update(value).digest('hex');

function seen({ partition, offset, key, value, headers = {} }: LogRecord): SeenRecord {
  const pairs = Object.entries(headers).flatMap(([name, of]) =>
    [of].flat().map((each): [string, string | null] => [name, each?.toString() ?? null]),
  );
  return {
    partition,
    offset: Number(offset),
    key: key?.toString() ?? null,
    headers: pairs,
    value: digest(value),
  };
}

/** As a member of a group: what `subscribe` reads by. */
export async function bySubscriber(
  { topic, ends }: ReadTopic,
  { kafka, reader }: Pick<TicketsLog, 'kafka' | 'reader'>,
): Promise<string[]> {
  const records: SeenRecord[] = [];
  const stream = openRecordStream({
    kafka,
    reader,
    topic,
    groupId: `${topic}.peers`,
    logger: silentLogger,
    resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
    handle: async (batch) => {
      for (const record of batch.records) records.push(seen(record));
    },
  });
  try {
    await until('the record stream is at the end', () => {
      const positions = stream.positions();
      return [...ends].every(([partition, end]) => (positions.get(partition) ?? -1n) >= end);
    });
  } finally {
    await stream.stop();
  }
  return lines(records);
}

/** Without a group: what checkpoints, counts and `tail` are read by. */
export async function byLogReader({ topic, ends }: ReadTopic, reader: LogReader): Promise<string[]> {
  const records: SeenRecord[] = [];
  for await (const batch of reader.read(topic, { from: new Map(), to: ends })) {
    for (const record of batch) records.push(seen(record));
  }
  return lines(records);
}

export async function byConsoleConsumer({ brokers, topic, ends }: ReadTopic): Promise<string[]> {
  const records: SeenRecord[] = [];
  const written = new Map([...ends].filter(([, end]) => end > 0n));
  for await (const { partition, offset, key, value, headers } of consoleConsume({
    ...{ brokers, topic, until: written },
  })) {
    records.push({
      partition,
      offset: Number(offset),
      key: key?.toString() ?? null,
      headers: headers.map(([name, bytes]) => [name, bytes?.toString() ?? null]),
      value: digest(value),
    });
  }
  return lines(records);
}

interface KcatRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers?: readonly string[];
  readonly payload: string | null;
}

export async function byKcat({ brokers, topic }: ReadTopic): Promise<string[]> {
  const answer = await output('kcat', [
    ...['-b', brokers, '-t', topic, '-C', '-e', '-q', '-J', '-o', 'beginning'],
    ...['-X', 'isolation.level=read_committed'],
  ]);
  const records = answer.map((line): SeenRecord => {
    const { partition, offset, key, headers = [], payload } = JSON.parse(line) as KcatRecord;
    const pairs: [string, string | null][] = [];
    for (let n = 0; n < headers.length; n += 2) pairs.push([headers[n] ?? '', headers[n + 1] ?? null]);
    const value = payload === null ? null : digest(Buffer.from(payload, 'utf8'));
    return { partition, offset, key, headers: pairs, value };
  });
  return lines(records);
}

export async function byConfluentKafka(
  python: string,
  { brokers, topic, ends }: ReadTopic,
): Promise<string[]> {
  const script = join(import.meta.dirname, 'confluent-reader.py');
  const answer = await output(python, [script, brokers, topic, String(ends.size)]);
  return lines(answer.map((line) => JSON.parse(line) as SeenRecord));
}

async function output(command: string, args: readonly string[]): Promise<string[]> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [stdout, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return stdout === '' ? [] : stdout.trimEnd().split('\n');
}
