import { randomBytes } from 'node:crypto';
import { consoleConsume, runKafkaTool, sharedKafka } from '@ticket-stream/dev-stack/testing';
import { expect, it } from 'vitest';
import { createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { page, ticket } from '../support/scripted-zendesk.ts';

const SECOND = START_SECOND + 10;
/** Hex of random bytes: zstd makes half of it, 1.5 MB. */
const refused = JSON.stringify(ticket(5, SECOND, { description: randomBytes(1_500_000).toString('hex') }));

/** The smallest segment that Kafka takes, 1 MiB, holds no batch of 1.5 MB, whatever max.message.bytes says. */
async function makeTopic(topic: string): Promise<void> {
  const made = await runKafkaTool('org.apache.kafka.tools.TopicCommand', [
    ...['--bootstrap-server', sharedKafka().brokers, '--create', '--topic', topic, '--partitions', '3'],
    ...['cleanup.policy=compact', 'max.message.bytes=8404992', 'segment.bytes=1048576'].flatMap((setting) => [
      '--config',
      setting,
    ]),
  ]);
  expect(made).toMatchObject({ code: 0 });
}

it('a ticket that the broker refuses within the limit of its topic is a dead letter; the rest of its page is in the log once', async () => {
  await using rig = await createScriptedProducer('refused');
  await makeTopic(rig.topic);
  const tickets = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => (id === 5 ? refused : ticket(id, SECOND)));
  rig.producer.start();
  // Asked for again after the refusal, and once more by live polling.
  const shown = page(tickets, { end_time: SECOND });
  await rig.zendesk.play(shown, shown, shown);

  const ids = (await rig.versions()).map(({ ticketId }) => Number(ticketId));
  expect(ids.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 6, 7, 8]);
  const letters = await rig.deadLetters();
  expect(letters.map(({ value }) => value?.toString())).toEqual([refused]);
  expect(letters[0]?.named).toMatchObject({ 'dlq-code': 'ticket.too_large', 'dlq-ticket-id': '5' });
  const status = await rig.status();
  expect(status).toMatchObject({ published: 7, deadLettered: 1, repeated: 8 });
  expect(status.retries).toEqual({ 'kafka.doubtful_transaction': 1 });
});

it('a ticket that the broker refuses for its sideloads goes without them; one refused without them too is a dead letter', async () => {
  await using rig = await createScriptedProducer('refused-sideloads', { EXPORT_INCLUDE: 'users' });
  await makeTopic(rig.topic);
  const large = { id: 7, details: randomBytes(1_500_000).toString('hex') };
  const bare = JSON.stringify(ticket(2, SECOND, { requester_id: 7 }));
  const both = refused.replace('{', '{"requester_id":7,');
  const shown = page([ticket(1, SECOND, { requester_id: 8 }), bare, both], {
    ...{ users: [large, { id: 8 }], end_time: SECOND },
  });
  rig.zendesk.rest = shown;
  rig.producer.start();
  await rig.producer.until('live', ({ stage }) => stage === 'live');

  expect(await rig.versions()).toHaveLength(2);
  const values = new Map<string | undefined, string | undefined>();
  for await (const { key, value } of consoleConsume({ brokers: sharedKafka().brokers, topic: rig.topic })) {
    values.set(key?.toString(), value?.toString());
  }
  expect(new Set(values.keys())).toEqual(new Set(['1', '2']));
  expect(JSON.parse(values.get('1') ?? '')).toMatchObject({ _embedded: { users: [{ id: 8 }] } });
  expect(values.get('2')).toBe(bare);
  expect((await rig.deadLetters()).map(({ value }) => value?.toString())).toEqual([both]);
});
