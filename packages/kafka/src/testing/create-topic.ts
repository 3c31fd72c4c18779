import type { Kafka } from 'kafkajs';

export async function createTopic(
  kafka: Kafka,
  topic: string,
  partitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: partitions,
        configEntries: Object.entries({ 'max.message.bytes': '8404992', ...settings }).map(
          ([configName, value]) => ({ name: configName, value }),
        ),
      },
    ],
  });
  await admin.disconnect();
}
