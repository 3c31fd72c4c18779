import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { describe, expect, it } from 'vitest';
import { commitGroupOffsets } from './group-commit.ts';
import { readGroupOffsets } from './group-offsets.ts';
import { createTopic } from './testing/create-topic.ts';
import { connectWithCuts } from './testing/cut-connection.ts';

const { brokers } = sharedKafka();

describe('a commit from outside', () => {
  it.each([
    ['when the broker has answered', 'answer', { 0: 7n }],
    ['before the broker gets it', 'request', { 0: 1n }],
  ] as const)('that is cut off %s may have happened, and its error says so', async (_what, when, stands) => {
    const { kafka, cuts } = connectWithCuts(brokers);
    const topic = `${topicPrefix('group-commit')}tickets`;
    const group = `${topic}.group`;
    await createTopic(kafka, topic, 1);
    const commit = (offset: bigint) => commitGroupOffsets(kafka, group, topic, new Map([[0, { offset }]]));
    await commit(1n);
    cuts.at('offsetCommit', when);
    await expect(commit(7n)).rejects.toMatchObject({
      code: 'kafka.unavailable',
      remedy: expect.stringContaining(`"ticket-stream groups show ${group}"`),
    });
    expect(Object.fromEntries(await readGroupOffsets(kafka, group, topic))).toEqual(stands);
  });
});
