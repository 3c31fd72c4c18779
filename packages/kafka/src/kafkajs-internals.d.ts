declare module 'kafkajs/src/consumer/batch.js' {
  /** kafkajs's batch, patched (patches/): `nextOffset` is the offset after the fetched record batches, or null. */
  export default class Batch {
    constructor(
      topic: string,
      fetchedOffset: string,
      data: { partition: number; highWatermark: string; messages: unknown[] },
    );
    readonly messages: {
      offset: string;
      timestamp: string;
      key: Buffer | null;
      value: Buffer | null;
      headers: Record<string, Buffer | string | (Buffer | string)[] | undefined> | undefined;
    }[];
    readonly nextOffset: string | null;
  }
}
