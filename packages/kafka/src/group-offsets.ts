import type { Kafka } from 'kafkajs';

/** The offsets a consumer group has committed for a topic; partitions without one are absent. */
export async function readGroupOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offsets = new Map<number, bigint>();
    for (const { partition, offset } of answer?.partitions ?? []) {
      if (BigInt(offset) >= 0n) offsets.set(partition, BigInt(offset));
    }
    return offsets;
  } finally {
    await admin.disconnect();
  }
}
