export { batchesOnDisk, type RecordBatchOnDisk } from './record-batches.ts';
