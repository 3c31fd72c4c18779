/**
 * What a refused request asked for. A broker that refuses names neither the right nor the topic, and kafkajs keeps
 * only the error's code; so each request that can be refused is written down here with the rights it takes
 * (https://kafka.apache.org/documentation/#operations_resources_and_protocols), and kafkajs's broker notes them on
 * the error that comes of it. Importing this file does so, once.
 */
import Broker from 'kafkajs/src/broker/index.js';

export type ResourceType = 'Topic' | 'Group' | 'TransactionalId' | 'Cluster';

export interface Right {
  /** As kafka-acls.sh takes it. */
  readonly operation: string;
  readonly resourceType: ResourceType;
  /** Several where the request named several, and the answer does not say which. */
  readonly resources: readonly string[];
}

export interface RefusedRequest {
  readonly rights: readonly Right[];
  /** The user as it logged in; undefined where the principal is the broker's to say. */
  readonly username: string | undefined;
}

const refused = new WeakMap<object, RefusedRequest>();

/** What the request wanted that ended in this very error (not one around it). */
export function refusedRequest(error: object): RefusedRequest | undefined {
  return refused.get(error);
}

interface Named {
  readonly topic: string;
}
const topic = (operation: string, topics: readonly (Named | string)[] = []): Right => ({
  operation,
  resourceType: 'Topic',
  resources: [...new Set(topics.map((each) => (typeof each === 'string' ? each : each.topic)))],
});
const group = (operation: string, ...resources: string[]): Right => ({
  operation,
  resourceType: 'Group',
  resources,
});
const transactionalId = (operation: string, id: string): Right => ({
  operation,
  resourceType: 'TransactionalId',
  resources: [id],
});
const cluster = (operation: string): Right => ({
  operation,
  resourceType: 'Cluster',
  resources: ['kafka-cluster'],
});

const TRANSACTION_COORDINATOR = 1;

/** kafkajs's own names of its requests, with what of each says whom it is about. */
interface Requests {
  metadata: string[] | undefined;
  produce: { topicData: Named[]; transactionalId?: string | null };
  fetch: { topics: Named[] };
  listOffsets: { topics: Named[] };
  findGroupCoordinator: { groupId: string; coordinatorType?: number };
  joinGroup: { groupId: string };
  syncGroup: { groupId: string };
  heartbeat: { groupId: string };
  leaveGroup: { groupId: string };
  offsetCommit: { groupId: string; topics: Named[] };
  offsetFetch: { groupId: string; topics?: Named[] };
  describeGroups: { groupIds: string[] };
  deleteGroups: string[];
  initProducerId: { transactionalId?: string | null };
  addPartitionsToTxn: { transactionalId: string; topics: Named[] };
  endTxn: { transactionalId: string };
  createTopics: { topics: Named[] };
  deleteTopics: { topics: string[] };
  describeConfigs: { resources: { type: number; name: string }[] };
  alterConfigs: { resources: { type: number; name: string }[] };
}

const TOPIC_CONFIG = 2;
const topicsOf = (resources: Requests['describeConfigs']['resources']) =>
  resources.filter(({ type }) => type === TOPIC_CONFIG).map(({ name }) => name);
const joined = ({ groupId }: { groupId: string }): Right[] => [group('Read', groupId)];

const rightsOf: { readonly [Name in keyof Requests]: (request: Requests[Name]) => Right[] } = {
  metadata: (topics) => [topic('Describe', topics)],
  produce: ({ topicData, transactionalId: id }) => [
    topic('Write', topicData),
    ...(id === undefined || id === null ? [cluster('IdempotentWrite')] : [transactionalId('Write', id)]),
  ],
  fetch: ({ topics }) => [topic('Read', topics), cluster('ClusterAction')],
  listOffsets: ({ topics }) => [topic('Describe', topics)],
  findGroupCoordinator: ({ groupId, coordinatorType }) => [
    coordinatorType === TRANSACTION_COORDINATOR
      ? transactionalId('Describe', groupId)
      : group('Describe', groupId),
  ],
  joinGroup: joined,
  syncGroup: joined,
  heartbeat: joined,
  leaveGroup: joined,
  offsetCommit: ({ groupId, topics }) => [group('Read', groupId), topic('Read', topics)],
  offsetFetch: ({ groupId, topics }) => [group('Describe', groupId), topic('Describe', topics)],
  describeGroups: ({ groupIds }) => [group('Describe', ...groupIds)],
  deleteGroups: (groupIds) => [group('Delete', ...groupIds)],
  initProducerId: ({ transactionalId: id }) => [
    id === undefined || id === null ? cluster('IdempotentWrite') : transactionalId('Write', id),
  ],
  addPartitionsToTxn: ({ transactionalId: id, topics }) => [
    transactionalId('Write', id),
    topic('Write', topics),
  ],
  endTxn: ({ transactionalId: id }) => [transactionalId('Write', id)],
  createTopics: ({ topics }) => [topic('Create', topics), cluster('Create')],
  deleteTopics: ({ topics }) => [topic('Delete', topics)],
  describeConfigs: ({ resources }) => [
    topic('DescribeConfigs', topicsOf(resources)),
    cluster('DescribeConfigs'),
  ],
  alterConfigs: ({ resources }) => [topic('AlterConfigs', topicsOf(resources)), cluster('AlterConfigs')],
};

type BrokerMethod = (this: Broker, request: never) => Promise<unknown>;

function noteRefusals(): void {
  const methods = Broker.prototype as unknown as Record<string, BrokerMethod>;
  for (const [name, rights] of Object.entries(rightsOf)) {
    const send = methods[name];
    if (send === undefined) throw new Error(`this kafkajs has no ${name}: it is not the pinned 2.2.4`);
    methods[name] = async function noted(request) {
      try {
        return await send.call(this, request);
      } catch (error) {
        if (error instanceof Error && isRefusal(error)) {
          const wanted = (rights as (request: unknown) => Right[])(request);
          refused.set(error, {
            rights: name === 'metadata' ? [await narrowed(this, wanted[0], send)] : wanted,
            username: this.connectionPool.sasl?.username,
          });
        }
        throw error;
      }
    };
  }
}

function isRefusal(error: Error): boolean {
  return 'type' in error && String(error.type).endsWith('_AUTHORIZATION_FAILED');
}

/** Metadata of several topics is refused as a whole: each is asked for alone, so that the error names the right one. */
async function narrowed(broker: Broker, wanted: Right | undefined, metadata: BrokerMethod): Promise<Right> {
  const all = wanted ?? topic('Describe');
  if (all.resources.length < 2) return all;
  const found: string[] = [];
  for (const name of all.resources) {
    await metadata.call(broker, [name] as never).catch((error: unknown) => {
      if (error instanceof Error && isRefusal(error)) found.push(name);
    });
  }
  return found.length === 0 ? all : { ...all, resources: found };
}

noteRefusals();
