import { createHash, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { DeadLetter } from './dead-letter.ts';
import { openDeadLetterWriter } from './dead-letter-writer.ts';
import { createTopic } from './testing/create-topic.ts';
import { testKafka } from './testing/test-kafka.ts';
import { readAll, type TestLog } from './testing/ticket-log.ts';

const test = testKafka();
const toClose: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of toClose) await close();
});

/** zstd cannot make it smaller. */
const incompressible = (bytes: number) => randomBytes(bytes);

const letterOf = (bytes: Buffer, headers: Record<string, Buffer> = {}): DeadLetter => ({
  code: 'record.invalid_value',
  cause: 'a test',
  origin: {
    ...{ kind: 'record', group: 'g', topic: 'tickets', partition: 0, offset: 17n },
    ...{ recordKey: Buffer.from('42'), headers },
  },
  bytes,
});

async function writerTo(name: string, settings: Record<string, string>) {
  const log: TestLog = await test.log(name);
  const topic = `${log.names.tickets}.small.dlq`;
  await createTopic(log.kafka, topic, 1, settings);
  const writer = openDeadLetterWriter(log.kafka, topic);
  toClose.push(writer.close);
  return { topic, writer, letters: () => readAll(log.reader, topic) };
}

describe('a dead letter that its topic refuses as too large', () => {
  // The smallest segment that Kafka takes; max.message.bytes says 8 MB.
  it.each([
    ['by its segment', { 'segment.bytes': '1048576' }, 2_000_000, 64 * 1024],
    ['by a limit below the head and the headers', { 'max.message.bytes': '65000' }, 70_000, 32 * 1024],
  ])('%s, is written with as much of its head as there is room for', async (_, settings, length, head) => {
    const { writer, letters } = await writerTo('letter-refused', settings);
    const bytes = incompressible(length);
    await writer.write([letterOf(bytes, { odd: incompressible(1_000) })]);
    const [letter, ...others] = await letters();
    expect(others).toEqual([]);
    expect(letter?.value?.equals(bytes.subarray(0, head))).toBe(true);
    expect(String(letter?.headers?.['dlq-bytes'])).toBe(String(length));
    expect(String(letter?.headers?.['dlq-sha256'])).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('and refused without its value too, stops with exit code 2 and the setting to raise', async () => {
    const { topic, writer } = await writerTo('letter-refused-whole', { 'max.message.bytes': '2000' });
    const letter = letterOf(incompressible(10), { odd: incompressible(5_000) });
    await expect(writer.write([letter])).rejects.toMatchObject({
      ...{ code: 'kafka.topic_settings', exitCode: 2 },
      remedy: expect.stringContaining(`max.message.bytes of ${topic}`),
    });
  });
});
