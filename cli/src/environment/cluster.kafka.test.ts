import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import { createTopic } from '@ticket-stream/kafka/testing';
import { describe, expect, it } from 'vitest';
import { withCluster } from './cluster.ts';
import { clusterOptions, readCommandOptions } from './command-options.ts';

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const topic = `${topicPrefix('cluster')}tickets`;

const optionsAt = (at: string) =>
  readCommandOptions(clusterOptions, '/no/such/folder', { KAFKA_BROKERS: at, TICKETS_TOPIC: topic });

describe("a command's cluster", () => {
  it('that does not answer from the start is looked for elsewhere', async () => {
    await expect(withCluster(optionsAt('127.0.0.1:1'), 'test', async () => {})).rejects.toMatchObject({
      code: 'config.invalid',
      remedy: 'Check that the cluster runs, and KAFKA_BROKERS, which is 127.0.0.1:1.',
    });
  });

  it('that goes away in the middle is where it was', async () => {
    const lost = new TicketStreamError('kafka.unavailable', 'reading: connection lost');
    const work = withCluster(optionsAt(brokers), 'test', () => Promise.reject(lost));
    await expect(work).rejects.toMatchObject({
      code: 'config.invalid',
      message: lost.message,
      remedy: expect.stringMatching(/^The cluster at .* answered before/),
    });
  });

  it('that no longer has what is to be read is not blamed, nor KAFKA_BROKERS', async () => {
    const admin = kafka.admin();
    await createTopic(kafka, topic, 1);
    const producer = kafka.producer();
    await Promise.all([admin.connect(), producer.connect()]);
    await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] });
    // kafkajs looks for the leader in what it knows already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
    const work = withCluster(optionsAt(brokers), 'test', async ({ reader }) => {
      const range = { from: new Map([[0, 0n]]), to: new Map([[0, 2n]]) };
      for await (const _records of reader.read(topic, range));
    });
    await expect(work).rejects.toMatchObject({
      code: 'config.invalid',
      remedy: expect.stringContaining('deleted from the topic meanwhile'),
    });
  });

  it('gives the word of the place where the work stopped, where that knows better', async () => {
    const doubtful = new TicketStreamError('kafka.unavailable', 'committing', { remedy: 'Look first.' });
    const work = withCluster(optionsAt(brokers), 'test', () => Promise.reject(doubtful));
    await expect(work).rejects.toMatchObject({ code: 'config.invalid', remedy: 'Look first.' });
  });
});
