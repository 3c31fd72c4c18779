/**
 * What a refused request asked for. A broker that refuses names neither the right nor the topic, and kafkajs keeps
 * only the error's code; so each request that can be refused is written down here with the rights it takes
 * (https://kafka.apache.org/documentation/#operations_resources_and_protocols), and kafkajs's broker notes them on
 * the error that comes of it. Importing this file does so, once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import Broker from 'kafkajs/src/broker/index.js';
import Cluster from 'kafkajs/src/cluster/index.js';

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

/** Reads that are refused as a whole, and by which each of their parts can be asked for alone. */
const partsOf: {
  readonly [Name in keyof Requests]?: (request: Requests[Name]) => readonly Requests[Name][];
} = {
  metadata: (topics = []) => topics.map((name) => [name]),
  describeConfigs: ({ resources, ...rest }) =>
    resources.map((resource) => ({ ...rest, resources: [resource] })),
};

function noteRefusals(): void {
  const methods = Broker.prototype as unknown as Record<string, BrokerMethod>;
  for (const name of Object.keys(rightsOf) as (keyof Requests)[]) {
    const send = methods[name];
    if (send === undefined) throw new Error(`this kafkajs has no ${name}: it is not the pinned 2.2.4`);
    const rights = rightsOf[name] as (request: unknown) => readonly Right[];
    const parts = partsOf[name] as ((request: unknown) => readonly unknown[]) | undefined;
    methods[name] = async function noted(request) {
      try {
        return await send.call(this, request);
      } catch (error) {
        for (const refusal of refusalsIn(error)) {
          // Topics are refused one by one where they are to be made; elsewhere the answer does not say which.
          const wanted =
            refusal.topic === undefined
              ? await refusedParts(this, send, rights, parts?.(request) ?? [request])
              : rights(request).map((right) => ofTopic(right, refusal.topic));
          refused.set(refusal, { rights: wanted, username: this.connectionPool.sasl?.username });
          const search = coordinatorSearch.getStore();
          if (search !== undefined) search.refusal = refusal;
        }
        throw error;
      }
    };
  }
}

interface Refusal extends Error {
  readonly topic?: string;
}

function refusalsIn(error: unknown): Refusal[] {
  if (!(error instanceof Error)) return [];
  const { errors } = error as { errors?: unknown };
  return [error, ...(Array.isArray(errors) ? errors : [])].filter(isRefusal);
}

function isRefusal(error: Error): error is Refusal {
  return 'type' in error && String(error.type).endsWith('_AUTHORIZATION_FAILED');
}

function ofTopic(right: Right, name: string | undefined): Right {
  return right.resourceType === 'Topic' && name !== undefined ? { ...right, resources: [name] } : right;
}

/** The rights of what is refused alone as well; of all, where nothing is any more. */
async function refusedParts(
  broker: Broker,
  send: BrokerMethod,
  rights: (request: unknown) => readonly Right[],
  parts: readonly unknown[],
): Promise<readonly Right[]> {
  const found: unknown[] = [];
  if (parts.length > 1) {
    for (const part of parts) {
      await send.call(broker, part as never).catch((error: unknown) => {
        if (refusalsIn(error).length > 0) found.push(part);
      });
    }
  }
  return merged((found.length > 0 ? found : parts).flatMap((part) => rights(part)));
}

function merged(rights: readonly Right[]): readonly Right[] {
  const byKind = new Map<string, Right>();
  for (const right of rights) {
    const kind = `${right.operation} ${right.resourceType}`;
    const resources = [...(byKind.get(kind)?.resources ?? []), ...right.resources];
    byKind.set(kind, { ...right, resources: [...new Set(resources)] });
  }
  return [...byKind.values()];
}

const coordinatorSearch = new AsyncLocalStorage<{ refusal?: Refusal }>();

/**
 * Every broker is asked for the coordinator of a group or transactional id, and kafkajs says of all their answers only
 * that none was found, which it would go on trying.
 */
function keepRefusedSearches(): void {
  const { prototype } = Cluster;
  const search = prototype.findGroupCoordinatorMetadata;
  prototype.findGroupCoordinatorMetadata = function kept(request) {
    return coordinatorSearch.run({}, async () => {
      try {
        return await search.call(this, request);
      } catch (error) {
        throw coordinatorSearch.getStore()?.refusal ?? error;
      }
    });
  };
}

noteRefusals();
keepRefusedSearches();
