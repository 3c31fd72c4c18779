import type { Kafka } from 'kafkajs';
import { applyTopics } from '../topic-settings.ts';

export async function createTopic(
  kafka: Kafka,
  topic: string,
  partitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const wanted = { topic, partitions, settings: { 'max.message.bytes': '8404992', ...settings } };
  await applyTopics(kafka, { create: [wanted], alter: new Map() });
}
