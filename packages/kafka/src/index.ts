export type { Checkpoint } from './checkpoint.ts';
export { readDatedCheckpoint, readNewestCheckpoint } from './checkpoint-reader.ts';
export { kafkaClientMetrics } from './client-metrics.ts';
export { DEAD_LETTER_HEAD_BYTES, type DeadLetter } from './dead-letter.ts';
export { type DeadLetterWriter, openDeadLetterWriter } from './dead-letter-writer.ts';
export { requireSoleMember } from './group-member.ts';
export {
  groupBoundMetadata,
  parseGroupBound,
  readGroupBounds,
  readGroupOffsets,
} from './group-offsets.ts';
export { connectKafka, type KafkaConnection, type Logger, silentLogger } from './kafka-connection.ts';
export { asKafkaError } from './kafka-errors.ts';
export { type LogReader, openLogReader } from './log-reader.ts';
export type { LogRecord } from './log-record.ts';
export { openPagePublisher, type PagePublisher } from './page-publisher.ts';
export type { PageTransaction } from './page-transaction.ts';
export { type BatchControl, openRecordStream, type RecordBatch, type RecordStream } from './record-stream.ts';
export { type CheckpointRewrite, rewriteCheckpoint } from './rewrite-checkpoint.ts';
export {
  type EnsuredTopics,
  ensureTopics,
  TICKET_BYTES_MAX,
  type TopicNames,
  topicNames,
} from './topics.ts';
