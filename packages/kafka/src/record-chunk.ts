import kafkajs from 'kafkajs';

const { Partitioners } = kafkajs;

/** A record to be published: the partition is decided here, once, by Kafka's own murmur2 of the key. */
export interface OutgoingRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
}

/** The partition that every Kafka client's default partitioner gives this key. */
export function keyPartitioner(partitions: number): (key: string) => number {
  const partitioner = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [0],
    isr: [0],
  }));
  return (key) => partitioner({ topic: '', partitionMetadata, message: { key, value: null } });
}

/** `traceparent` (66 bytes) and the longest `tracestate` that the specification lets pass on (512), with their names. */
const TRACE_HEADERS_BYTES = 600;
/** Lengths, deltas and attributes: at most 5 bytes each. */
const RECORD_FRAME_BYTES = 40;
const HEADER_FRAME_BYTES = 4;

/** The most that a record can take in a batch before compression, its trace headers included. */
export function recordBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = value.byteLength + key.length + RECORD_FRAME_BYTES + TRACE_HEADERS_BYTES;
  // Names and values of headers are ASCII (ticket-event.ts).
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0) + HEADER_FRAME_BYTES;
  return bytes;
}

export interface ChunkLimits {
  /** kafkajs makes one record batch a partition and send, which must stay below the topic's max.message.bytes. */
  readonly partitionBytesMax: number;
  /** What one send holds in memory. */
  readonly chunkBytesMax: number;
  readonly recordsMax: number;
}

/**
 * Collects records in log order until one send is full. kafkajs never splits a batch, so the split is here, by
 * bytes for each partition; a record larger than the limit is alone in its batch.
 */
export class RecordChunk {
  readonly records: OutgoingRecord[] = [];
  #bytes = 0;
  readonly #partitionBytes = new Map<number, number>();
  readonly #limits: ChunkLimits;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false when the record belongs into the next chunk: send this one first */
  fits(record: OutgoingRecord): boolean {
    if (this.records.length === 0) return true;
    const size = recordBytes(record);
    const { partitionBytesMax, chunkBytesMax, recordsMax } = this.#limits;
    return (
      this.records.length < recordsMax &&
      this.#bytes + size <= chunkBytesMax &&
      (this.#partitionBytes.get(record.partition) ?? 0) + size <= partitionBytesMax
    );
  }

  add(record: OutgoingRecord): void {
    const size = recordBytes(record);
    this.records.push(record);
    this.#bytes += size;
    this.#partitionBytes.set(record.partition, (this.#partitionBytes.get(record.partition) ?? 0) + size);
  }
}
