export type { AccessRight } from './access-rights.ts';
export { type ConsoleRecord, consoleConsume } from './console-consume.ts';
export { ownKafka, sharedKafka, topicPrefix } from './kafka-for-tests.ts';
export { runKafkaTool, spawnKafkaTool } from './kafka-tools.ts';
export { type SecureKafka, secureKafka } from './secure-kafka.ts';
