import { createHash } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConsoleRecord, consoleConsume, runKafkaTool, sharedKafka, topicPrefix } from './index.ts';

const { brokers } = sharedKafka();
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
const admin = kafka.admin();
beforeAll(() => admin.connect());
afterAll(() => admin.disconnect());

async function makeTopic(name: string, numPartitions = 1): Promise<string> {
  const topic = `${topicPrefix(name)}records`;
  await admin.createTopics({
    topics: [{ topic, numPartitions, replicationFactor: 1 }],
    waitForLeaders: true,
  });
  return topic;
}

const groupIds = async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId);

test('the console consumer shows keys, values and headers byte for byte', async () => {
  const topic = await makeTopic('bytes');
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const values = [
    everyByte,
    Buffer.from('tab\tnewline\nbackslash \\x41 €😀'),
    Buffer.alloc(0),
    null,
    Buffer.from('null'),
  ];
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: values.map((value, at) => ({
      key: at === 3 ? null : Buffer.concat([everyByte, Buffer.from([at])]),
      value,
      timestamp: String(1_700_000_000_000 + at),
      headers:
        at === 0 ? {} : { plain: 'a:b\tc', bytes: everyByte, twice: [Buffer.from('1'), Buffer.from('2')] },
    })),
  });
  await producer.disconnect();

  const records: ConsoleRecord[] = await Array.fromAsync(consoleConsume({ brokers, topic }));

  expect(records.map((record) => record.value)).toEqual(values);
  expect(records.map((record) => record.key?.at(-1))).toEqual([0, 1, 2, undefined, 4]);
  expect(records[3]?.key).toBeNull();
  expect(records.map((record) => record.offset)).toEqual([0n, 1n, 2n, 3n, 4n]);
  expect(records.map((record) => record.timestampMs - 1_700_000_000_000)).toEqual([0, 1, 2, 3, 4]);
  expect(records[0]?.headers).toEqual([]);
  expect(records[1]?.headers).toEqual([
    ['plain', Buffer.from('a:b\tc')],
    ['bytes', everyByte],
    ['twice', Buffer.from('1')],
    ['twice', Buffer.from('2')],
  ]);
});

test('reads past an aborted transaction at the end, shows none of it, and ends', async () => {
  const topic = await makeTopic('aborted', 2);
  const producer = kafka.producer({
    transactionalId: `${topic}-writer`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  for (const [value, ending] of [
    ['kept', 'commit'],
    ['dropped', 'abort'],
  ] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value, partition: 0 }] });
    await transaction[ending]();
  }
  await producer.disconnect();

  const committed = await Array.fromAsync(consoleConsume({ brokers, topic }));
  const all = await Array.fromAsync(consoleConsume({ brokers, topic, isolation: 'read_uncommitted' }));

  expect(committed.map((record) => String(record.value))).toEqual(['kept']);
  expect(all.map((record) => String(record.value))).toEqual(['kept', 'dropped']);
});

test('waits for a transaction that is open at the start, and shows it', async () => {
  const topic = await makeTopic('open');
  const producer = kafka.producer({
    transactionalId: `${topic}-writer`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: 'late' }] });
  const group = `${topic}-reader`;
  const reading = Array.fromAsync(consoleConsume({ brokers, topic, group }));
  await Promise.race([reading, expect.poll(() => groupIds(), { timeout: 30_000 }).toContain(group)]);
  await transaction.commit();
  await producer.disconnect();
  expect((await reading).map(({ value }) => String(value))).toEqual(['late']);
});

test('reads an empty topic to its end at once', async () => {
  const topic = await makeTopic('empty', 3);
  expect(await Array.fromAsync(consoleConsume({ brokers, topic }))).toEqual([]);
});

test('reads 20,000 records of 4 KB without holding them, and leaves no consumer group behind', async () => {
  const topic = await makeTopic('many', 4);
  const producer = kafka.producer();
  await producer.connect();
  const sent = createHash('sha256');
  for (let batch = 0; batch < 100; batch++) {
    const values = Array.from({ length: 200 }, (_, at) => `${batch}/${at} ${'é'.repeat(2000)}`);
    for (const value of values) sent.update(value);
    await producer.send({ topic, acks: 1, messages: values.map((value) => ({ value, partition: 0 })) });
  }
  await producer.disconnect();

  const seen = createHash('sha256');
  let count = 0;
  let peakBytes = 0;
  const before = process.memoryUsage().rss;
  const group = `${topic}-reader`;
  for await (const record of consoleConsume({ brokers, topic, group })) {
    seen.update(record.value ?? '');
    count++;
    if (count % 1000 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage().rss - before);
  }

  expect(count).toBe(20_000);
  expect(seen.digest('hex')).toBe(sent.digest('hex'));
  // 80 MB of values, 320 MB as the consumer prints them.
  expect(peakBytes / 1e6).toBeLessThan(300);
  expect(await groupIds()).not.toContain(group);
});

test('a tool that fails gives its exit code and what it said', async () => {
  const answer = await runKafkaTool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
    '--no-such-option',
  ]);
  expect(answer.code).toBe(1);
  expect(answer.stderr + answer.stdout).toContain('no-such-option');
});

test("Kafka's console producer writes what it is given on its input", async () => {
  const topic = await makeTopic('input');
  const answer = await runKafkaTool(
    'org.apache.kafka.tools.ConsoleProducer',
    ['--bootstrap-server', brokers, '--topic', topic],
    { input: 'one\ntwo\n' },
  );
  expect(answer.code).toBe(0);
  const records = await Array.fromAsync(consoleConsume({ brokers, topic }));
  expect(records.map((record) => String(record.value))).toEqual(['one', 'two']);
});
