export { createTopic } from './create-topic.ts';
export { eagerCompaction, writeRounds } from './emptied-batches.ts';
export { readableEnds } from './readable-ends.ts';
export { batchesOnDisk, type RecordBatchOnDisk } from './record-batches.ts';
export { type MadeVersion, openTicketsLog, type TicketsLogOptions } from './tickets-log.ts';
