import type { Kafka } from 'kafkajs';
import { asKafkaError } from './kafka-errors.ts';

/** How many members a consumer group has now; 0 also where there is no such group. */
export async function countGroupMembers(kafka: Kafka, groupId: string): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { groups } = await admin.describeGroups([groupId]);
    return groups[0]?.members.length ?? 0;
  } catch (error) {
    throw asKafkaError(error, `looking at the group ${groupId}`);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
