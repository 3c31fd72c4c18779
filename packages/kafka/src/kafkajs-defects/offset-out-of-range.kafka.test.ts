import { expect, it } from 'vitest';
import { openRecordStream } from '../record-stream.ts';
import { cutLog, cuttable } from '../testing/cut-log.ts';
import { testKafka } from '../testing/test-kafka.ts';
import { silentLogger, ticket } from '../testing/test-publisher.ts';

const test = testKafka();

// kafkajs as published goes on at the log's start by itself, and commits −2 in the place of the group's offset. Where no
// record comes first there, as after this cut, nothing is handed over that shows it.
it('a position that the log no longer has ends the membership: nothing is stepped over, and nothing committed', async () => {
  const log = await test.log('out-of-range', { settings: cuttable });
  const publisher = await test.publisher(log);
  await publisher.publishPage([1, 2, 3, 4, 5].map((id) => ticket(id, 100)));
  const MARKER = 5n;
  await cutLog(log, MARKER);
  const { tickets } = log.names;
  const groupId = `${tickets}.group`;
  const committedAtStarts: string[] = [];
  const stream = openRecordStream({
    ...{ kafka: log.kafka, reader: log.reader, topic: tickets, groupId, logger: silentLogger },
    async resolveStart() {
      const admin = log.kafka.admin();
      await admin.connect();
      const [answer] = await admin.fetchOffsets({ groupId, topics: [tickets] });
      await admin.disconnect();
      for (const { offset } of answer?.partitions ?? []) committedAtStarts.push(offset);
      return committedAtStarts.length === 1 ? new Map([[0, 0n]]) : log.reader.startOffsets(tickets);
    },
    handle: async () => {},
  });
  try {
    await expect.poll(() => stream.positions().get(0), { timeout: 20_000 }).toBe(MARKER + 1n);
  } finally {
    await stream.stop();
  }
  const NONE = '-1';
  expect(committedAtStarts).toEqual([NONE, NONE]);
});
