export type { Checkpoint } from './checkpoint.ts';
export { readDatedCheckpoint, readNewestCheckpoint } from './checkpoint-reader.ts';
export { kafkaClientMetrics } from './client-metrics.ts';
export {
  type ConsumerGroup,
  countGroupMembers,
  describeGroups,
  type GroupMember,
  isInactive,
  listGroups,
} from './consumer-groups.ts';
export {
  DEAD_LETTER_HEAD_BYTES,
  type DeadLetter,
  type DeadLetterState,
  factHeaders,
} from './dead-letter.ts';
export {
  type LetterContent,
  type LettersRead,
  readLetterContent,
  readLetters,
  readRecord,
} from './dead-letter-log.ts';
export { type DeadLetterWriter, openDeadLetterWriter } from './dead-letter-writer.ts';
export { commitGroupOffsets, type OffsetToCommit } from './group-commit.ts';
export { requireSoleMember } from './group-member.ts';
export {
  type CommittedOffset,
  groupBoundMetadata,
  parseGroupBound,
  readCommitted,
  readGroupBounds,
  readGroupOffsets,
} from './group-offsets.ts';
export {
  connectKafka,
  type KafkaConnection,
  type Logger,
  silentLogger,
  type TlsSettings,
} from './kafka-connection.ts';
export { asKafkaError } from './kafka-errors.ts';
export { type LetterDesk, openLetterDesk, originalHeaders } from './letter-desk.ts';
export { type LetterRow, letterHash } from './letter-fold.ts';
export { type DeadLetterOutcome, type LetterState, letterStateOf, letterStates } from './letter-state.ts';
export { type LogReader, openLogReader } from './log-reader.ts';
export type { LogRecord } from './log-record.ts';
export { openPagePublisher, type PagePublisher } from './page-publisher.ts';
export type { PageTransaction } from './page-transaction.ts';
export { firstPublishedMs, newestPublishedMs } from './publish-times.ts';
export type { BatchControl, RecordBatch } from './record-batch.ts';
export { keyPartitioner } from './record-chunk.ts';
export { openRecordStream } from './record-stream.ts';
export type { BetweenBatches, RecordStream } from './record-stream-interface.ts';
export { type RetryRequest, readRetryRequests } from './retry-requests.ts';
export { ensureRetryTopic, producerRetryTopic, retryHeaders, retryTopic } from './retry-topics.ts';
export { type CheckpointRewrite, rewriteCheckpoint } from './rewrite-checkpoint.ts';
export { applyTopics, type TopicSetting } from './topic-settings.ts';
export { type SurveyedTopic, surveyTopics } from './topic-survey.ts';
export {
  type EnsuredTopics,
  ensureTopics,
  TICKET_BYTES_MAX,
  type TopicNames,
  topicNames,
} from './topics.ts';
export { insist } from './wait-for-cluster.ts';
export type { WantedTopic } from './wanted-topics.ts';
