import { randomBytes, randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { highWatermarks } from './high-watermarks.ts';
import { exitCode, spawnKafkaTool } from './kafka-tools.ts';

// kafkajs is CommonJS; not all of its names can be imported by name outside of a bundler.
const { Kafka, logLevel } = kafkajs;

/** A record as Kafka's own console consumer shows it. */
export interface ConsoleRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970: when it was created or appended, as the topic has it. */
  readonly timestampMs: number;
  /** In the order of the record; a name may come twice. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface ConsoleConsumeOptions {
  readonly brokers: string;
  readonly topic: string;
  /**
   * First offset not waited for, per partition. Default: the high watermarks at the start. A transaction that is
   * open then holds the reading up until it ends.
   */
  readonly until?: ReadonlyMap<number, bigint>;
  /** Default: read_committed. */
  readonly isolation?: 'read_committed' | 'read_uncommitted';
  /** The consumer group, gone again at the end. Default: one of its own. */
  readonly group?: string;
  /** After this it gives up with an error. Default: 5 min. */
  readonly timeoutMs?: number;
}

// BytesDeserializer's text is printable ASCII with \xNN for all else, backslash included; so none of these can stand
// in a key, a value or a header's value. (A header's name is printed as it is: a colon in it would be misread.)
const fieldSeparator = '\t';
const headersSeparator = '\u0001';
// Goes through the same deserializer, so it can look like any other value; a random one is no value of any topic.
const nullLiteral = `null-${randomUUID()}`;

/**
 * Reads a topic from its beginning to `until` by Kafka's ConsoleConsumer, a client that nobody here wrote: what it
 * shows under read_committed is what others see. Records come one by one, in the order of each partition; memory
 * holds one chunk of output.
 *
 * The end is known by the consumer's own committed position, which passes commit markers, aborted records and gaps of
 * compaction; it commits only what it has printed. Waiting for silence instead would take a slow broker for the end.
 */
export async function* consoleConsume(
  options: ConsoleConsumeOptions,
): AsyncGenerator<ConsoleRecord, void, undefined> {
  const { brokers, topic, isolation = 'read_committed', timeoutMs = 300_000 } = options;
  const { group = `console-consume-${randomBytes(6).toString('hex')}` } = options;
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const until = options.until ?? (await highWatermarks(brokers, topic));
    const args = ['--bootstrap-server', brokers, '--topic', topic, '--group', group, '--from-beginning'];
    const properties = [
      ...['timestamp', 'partition', 'offset', 'headers', 'key', 'value'].map(
        (field) => `print.${field}=true`,
      ),
      ...['key', 'value', 'headers'].map(
        (field) => `${field}.deserializer=org.apache.kafka.common.serialization.BytesDeserializer`,
      ),
      `key.separator=${fieldSeparator}`,
      'line.separator=\n',
      `headers.separator=${headersSeparator}`,
      `null.literal=${nullLiteral}`,
    ];
    const child = await spawnKafkaTool(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      [
        ...args,
        '--isolation-level',
        isolation,
        ...properties.flatMap((property) => ['--formatter-property', property]),
        '--command-property',
        'auto.commit.interval.ms=100',
      ],
      timeoutMs,
    );
    child.stdin.end();
    const ended = exitCode(child);
    const complaints = text(child.stderr);
    const over = new AbortController();
    const reachedEnd = stopAtEnd(admin, group, topic, until, over.signal, () => child.kill('SIGTERM'));
    try {
      for await (const line of linesOf(child.stdout)) yield parseRecord(line);
      await ended;
      over.abort();
      if (!(await reachedEnd)) {
        throw new Error(`The console consumer ended before the end of ${topic}.\n${await complaints}`);
      }
    } finally {
      over.abort();
      child.kill('SIGKILL');
      await ended;
      await reachedEnd;
      await admin.deleteGroups([group]).catch(() => {});
    }
  } finally {
    await admin.disconnect();
  }
}

/** @returns true when every partition was read to its end and the consumer asked to stop; false when it ended first */
async function stopAtEnd(
  admin: Admin,
  group: string,
  topic: string,
  until: ReadonlyMap<number, bigint>,
  over: AbortSignal,
  stop: () => void,
): Promise<boolean> {
  while (!over.aborted) {
    // Fails for a moment while the group's coordinator is loading; if it stays so, the time is up some day.
    const committed = await committedOffsets(admin, group, topic).catch(() => new Map<number, bigint>());
    if ([...until].every(([partition, end]) => (committed.get(partition) ?? -1n) >= end)) {
      stop();
      return true;
    }
    await pause(100, undefined, { signal: over }).catch(() => {});
  }
  return false;
}

async function committedOffsets(admin: Admin, group: string, topic: string): Promise<Map<number, bigint>> {
  const committed = new Map<number, bigint>();
  for (const answer of await admin.fetchOffsets({ groupId: group, topics: [topic] })) {
    for (const { partition, offset } of answer.partitions) committed.set(partition, BigInt(offset));
  }
  return committed;
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let begun: Buffer[] = [];
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      begun.push(chunk.subarray(from, end));
      yield Buffer.concat(begun).toString('utf8');
      begun = [];
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (begun.length > 0) throw new Error('The console consumer was cut off within a record.');
}

/** E.g. `CreateTime:1700000000000⇥Partition:0⇥Offset:7⇥name:value␁name:value⇥key⇥value`. */
function parseRecord(line: string): ConsoleRecord {
  const [time = '', partition = '', offset = '', headers = '', key = '', value, ...more] =
    line.split(fieldSeparator);
  if (
    value === undefined ||
    more.length > 0 ||
    !partition.startsWith('Partition:') ||
    !offset.startsWith('Offset:')
  ) {
    throw new Error(`Not a record of the console consumer: ${line.slice(0, 200)}`);
  }
  return {
    timestampMs: Number(time.slice(time.indexOf(':') + 1)),
    partition: Number(partition.slice('Partition:'.length)),
    offset: BigInt(offset.slice('Offset:'.length)),
    headers: parseHeaders(headers),
    key: bytesOf(key),
    value: bytesOf(value),
  };
}

function parseHeaders(headers: string): [string, Buffer | null][] {
  if (headers === 'NO_HEADERS') return [];
  return headers.split(headersSeparator).map((header) => {
    const colon = header.indexOf(':');
    return [header.slice(0, colon), bytesOf(header.slice(colon + 1))];
  });
}

/** The bytes of a text of BytesDeserializer. */
function bytesOf(text: string): Buffer | null {
  if (text === nullLiteral) return null;
  if (!text.includes('\\')) return Buffer.from(text, 'latin1');
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) {
      bytes[length++] = Number.parseInt(text.slice(at + 2, at + 4), 16);
      at += 3;
    } else {
      bytes[length++] = code;
    }
  }
  return Buffer.from(bytes.subarray(0, length));
}
