import type { Kafka } from 'kafkajs';

/**
 * kafkajs's own view of a cluster, which it does not export: the only way to fetch without a consumer group. What
 * we use of it is typed here, and `log-reader.kafka.test.ts` fails when another kafkajs behaves otherwise.
 */
export interface KafkaCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  metadata(request: { topics: string[] }): Promise<{ topicMetadata: { topic: string }[] } | null>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, (number | string)[]>;
  findBroker(node: { nodeId: string }): Promise<KafkaBroker>;
  findGroupCoordinator(group: { groupId: string }): Promise<KafkaBroker>;
  findControllerBroker(): Promise<KafkaBroker>;
  readonly brokerPool: {
    /** By node id; filled by `refreshMetadata`. */
    readonly brokers: Readonly<Record<string, unknown>>;
    /** What the first broker said it can do; null until one did. */
    readonly versions: object | null;
  };
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromTimestamp: string }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
}

export interface KafkaBroker {
  fetch(request: object): Promise<{ responses: { partitions: FetchedPartitionData[] }[] }>;
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[];
  }): Promise<unknown>;
  /** For requests that kafkajs does not know: kafkajs-requests.ts. */
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
}

export interface ProtocolRequest {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<unknown>;
  };
  readonly response: {
    decode(rawData: Buffer): Promise<{ clientSideThrottleTime: number }>;
    parse(decoded: never): Promise<unknown>;
  };
}

export interface FetchedPartitionData {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly messages: { readonly offset: string; readonly timestamp: string }[];
}

/** Kafka's isolation levels, of fetches and of where a log ends. */
export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;

export function createCluster(kafka: Kafka, isolationLevel = READ_COMMITTED): KafkaCluster {
  for (const symbol of Object.getOwnPropertySymbols(kafka)) {
    if (symbol.description === 'private:Kafka:createCluster') {
      const create = (kafka as unknown as Record<symbol, (options: object) => KafkaCluster>)[symbol];
      if (create !== undefined) {
        return create({ isolationLevel, allowAutoTopicCreation: false, metadataMaxAge: 60_000 });
      }
    }
  }
  throw new Error('this kafkajs has no createCluster: it is not the pinned 2.2.4');
}
