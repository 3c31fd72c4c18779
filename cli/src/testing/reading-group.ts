/** A live consumer group of a test: one member that reads a topic and commits, as kafkajs does it by itself. */
import type { connectKafka } from '@ticket-stream/kafka';

export async function startReading(
  kafka: ReturnType<typeof connectKafka>,
  groupId: string,
  topic: string,
  sessionTimeout = 10_000,
): Promise<{ readonly joins: { readonly memberId: string }[]; read(): number; stop(): Promise<void> }> {
  const consumer = kafka.consumer({ groupId, sessionTimeout, heartbeatInterval: 1_000 });
  const joins: { memberId: string }[] = [];
  let read = 0;
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joins.push({ memberId: payload.memberId });
      resolve();
    });
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async () => {
      read++;
    },
  });
  await joined;
  return { joins, read: () => read, stop: () => consumer.disconnect() };
}
