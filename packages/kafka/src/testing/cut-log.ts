import type { TestLog } from './ticket-log.ts';

/** Topic settings with which the broker deletes records: of a topic that is only compacted it deletes none. */
export const cuttable = { 'cleanup.policy': 'compact,delete' } as const;

/** Takes what is before an offset away from the log's only partition. */
export async function cutLog({ kafka, names }: TestLog, before: bigint): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.fetchTopicOffsets(names.tickets); // kafkajs deletes only from topics it has looked at
  await admin.deleteTopicRecords({
    topic: names.tickets,
    partitions: [{ partition: 0, offset: String(before) }],
  });
  await admin.disconnect();
}
