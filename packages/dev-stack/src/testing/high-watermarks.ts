import { setTimeout as pause } from 'node:timers/promises';
import kafkajs from 'kafkajs';

// kafkajs is CommonJS; not all of its names can be imported by name outside of a bundler.
const { Kafka, KafkaJSProtocolError, logLevel } = kafkajs;

const READ_UNCOMMITTED = 0;
const EARLIEST = '-2';
const LATEST = '-1';

/** kafkajs's own view of a cluster, as packages/kafka has it, which stands above this package: what is used here. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromTimestamp: string }[],
  ): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
}

/**
 * Where each partition's log ends, with what open transactions have written. kafkajs's admin cannot say: it asks where
 * read_committed readers stop, and a commit is answered before its marker lets them go on.
 * @returns no partition that has nothing to read
 */
export async function highWatermarks(brokers: string, topic: string): Promise<Map<number, bigint>> {
  const cluster = createCluster(brokers);
  await cluster.connect();
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await cluster.addTargetTopic(topic);
        const low = await offsets(cluster, topic, EARLIEST);
        const high = await offsets(cluster, topic, LATEST);
        return new Map([...high].filter(([partition, end]) => end !== low.get(partition)));
      } catch (error) {
        // "Not the leader": metadata names the leader of a new partition a moment before the leader knows.
        if (!(error instanceof KafkaJSProtocolError && error.retriable) || attempt === 50) throw error;
        await pause(100);
      }
    }
  } finally {
    await cluster.disconnect();
  }
}

async function offsets(cluster: Cluster, topic: string, fromTimestamp: string): Promise<Map<number, bigint>> {
  const partitions = cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => ({ partition: partitionId }));
  const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions, fromTimestamp }]);
  return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
}

function createCluster(brokers: string): Cluster {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const inner = kafka as unknown as Record<symbol, (options: object) => Cluster>;
  for (const symbol of Object.getOwnPropertySymbols(kafka)) {
    const create = symbol.description === 'private:Kafka:createCluster' ? inner[symbol] : undefined;
    if (create !== undefined)
      return create({ isolationLevel: READ_UNCOMMITTED, allowAutoTopicCreation: false });
  }
  throw new Error('this kafkajs has no createCluster: it is not the pinned 2.2.4');
}
