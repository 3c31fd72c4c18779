import { expect, it } from 'vitest';
import { testKafka } from '../testing/test-kafka.ts';
import { ticket } from '../testing/test-publisher.ts';
import { keysOf, readAll } from '../testing/ticket-log.ts';

// kafkajs hands offsets over as strings, and '10' < '9'. They are bigint from the border on.
const test = testKafka();

it('reading passes from offset 9 to 10, and the checkpoint names the one after', async () => {
  const log = await test.log('offsets');
  const publisher = await test.publisher(log);
  await publisher.publishPage(Array.from({ length: 9 }, (_, n) => ticket(n + 1, 100)));
  // Its marker is offset 9, the next page begins at 10.
  await publisher.publishPage([ticket(10, 100), ticket(11, 100)]);
  expect(publisher.checkpoint.nextOffsets).toEqual(new Map([[0, 12n]]));
  await expect.poll(async () => (await log.reader.stableEndOffsets(log.names.tickets)).get(0)).toBe(13n);
  const records = await readAll(log.reader, log.names.tickets, new Map([[0, 8n]]));
  expect(records.map(({ offset }) => offset)).toEqual([8n, 10n, 11n]);
  expect(keysOf(records)).toEqual(['9', '10', '11']);

  // The next start compares them with the log's end: as text, 12 would be before 9 and after 100.
  await publisher.close();
  const next = await test.publisher(log);
  expect(next.checkpoint.nextOffsets).toEqual(new Map([[0, 12n]]));
});
