export type { BrokerProperties } from './broker-settings.ts';
export type { KafkaProgress } from './progress.ts';
export { type RunningKafka, removeKafka, type StartKafkaOptions, startKafka } from './start-kafka.ts';
