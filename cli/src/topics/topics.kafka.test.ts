import { ownKafka, sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import { createTopic } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, withoutProgress } from '../testing/run-command.ts';

// Numbers of Kafka's protocol; kafkajs has names for them, which this room does not import.
const CONFIG_OF_TOPIC = 2;
const AclResourceTypes = { TOPIC: 2, CLUSTER: 4 } as const;
const ResourcePatternTypes = { LITERAL: 3, PREFIXED: 4 } as const;
const AclOperationTypes = { ALL: 2, CREATE: 5, ALTER_CONFIGS: 11 } as const;
const AclPermissionTypes = { DENY: 2, ALLOW: 3 } as const;

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const admin = kafka.admin();
beforeAll(() => admin.connect());
afterAll(() => admin.disconnect());

const topicsOf =
  (topic: string, at = brokers) =>
  (...args: readonly string[]) =>
    runCommand(['topics', ...args], { KAFKA_BROKERS: at, TICKETS_TOPIC: topic, DATA_DIR: '/tmp' });

async function settingsOf(topic: string, ...names: readonly string[]): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: CONFIG_OF_TOPIC, name: topic, configNames: [...names] }],
  });
  return Object.fromEntries(
    resources[0]?.configEntries.map((each) => [each.configName, each.configValue]) ?? [],
  );
}

describe('topics', () => {
  it('makes what is missing, once; a dry run makes nothing and says so by its exit code', async () => {
    const topic = `${topicPrefix('topics-missing')}tickets`;
    const topics = topicsOf(topic);
    const dry = await topics('apply', '--dry-run');
    expect(dry.code).toBe(2);
    expect(dry.stdout).toContain('It would be: 3 topics made.');
    expect((await admin.listTopics()).filter((name) => name.startsWith(topic))).toEqual([]);
    const applied = await topics('apply');
    expect({ code: applied.code, stderr: withoutProgress(applied.stderr) }).toEqual({ code: 0, stderr: '' });
    expect((await topics('list')).stdout).toMatch(new RegExp(`${topic} +12 +0 +0 B +as wanted`));
    expect((await topics('apply', '--dry-run')).code).toBe(0);
  });

  it('sets what differs, leaves every other setting and the partition count', async () => {
    const topic = `${topicPrefix('topics-differ')}tickets`;
    const topics = topicsOf(topic);
    await createTopic(kafka, topic, 5, {
      'cleanup.policy': 'delete',
      'segment.bytes': '1234567',
      'retention.bytes': '7654321',
    });
    const { code, stdout } = await topics('apply');
    expect(code).toBe(0);
    expect(stdout).toMatch(/cleanup\.policy +compact +delete +topic +differs/);
    expect(stdout).toMatch(/partitions +12 +5 +stays/);
    expect(
      await settingsOf(topic, 'cleanup.policy', 'segment.bytes', 'retention.bytes', 'min.compaction.lag.ms'),
    ).toEqual({
      'cleanup.policy': 'compact',
      'segment.bytes': '1234567',
      'retention.bytes': '7654321',
      'min.compaction.lag.ms': String(7 * 24 * 3_600_000),
    });
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(metadata.topics[0]?.partitions).toHaveLength(5);
  });

  it('shows sizes and ranges of a topic, by its name or its short one', async () => {
    const topic = `${topicPrefix('topics-show')}tickets`;
    const topics = topicsOf(topic);
    await topics('apply');
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: `${topic}.dlq`,
      messages: [{ value: Buffer.alloc(5_000, 'x') }, { value: 'y' }],
    });
    await producer.disconnect();
    const { stdout } = await topics('show', 'dlq', '--json');
    const found = JSON.parse(stdout) as {
      topics: { topic: string; partitions: { end: string; bytes: string }[] }[];
    };
    expect(found.topics).toMatchObject([
      { topic: `${topic}.dlq`, partitions: [{ partition: 0, start: '0', end: '2' }] },
    ]);
    expect(Number(found.topics[0]?.partitions[0]?.bytes)).toBeGreaterThan(5_000);
    expect((await topics('show')).stdout).toContain(`Topic ${topic}: 12 partitions, 0 records at most`);
    const unknown = await topics('show', 'orders');
    expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('orders'),
    });
  });

  it('gives who may not change them the commands for who may', async () => {
    await using own = await ownKafka({
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': true,
      },
    });
    const topic = 'tickets';
    const ownKafkaClient = connectKafka({ brokers: own.brokers.split(',') }, silentLogger);
    const ownAdmin = ownKafkaClient.admin();
    await ownAdmin.connect();
    try {
      await createTopic(ownKafkaClient, topic, 1);
      const acl = {
        principal: 'User:ANONYMOUS',
        host: '*',
        resourcePatternType: ResourcePatternTypes.LITERAL,
      };
      const ofCluster = { ...acl, resourceType: AclResourceTypes.CLUSTER, resourceName: 'kafka-cluster' };
      const ofTopic = { ...acl, resourceType: AclResourceTypes.TOPIC, resourceName: topic };
      const ofNewTopics = {
        ...ofTopic,
        resourceName: `${topic}.`,
        resourcePatternType: ResourcePatternTypes.PREFIXED,
      };
      await ownAdmin.createAcls({
        acl: [
          { ...ofCluster, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
          { ...ofTopic, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
          { ...ofNewTopics, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
          { ...ofNewTopics, operation: AclOperationTypes.CREATE, permissionType: AclPermissionTypes.DENY },
          { ...ofCluster, operation: AclOperationTypes.CREATE, permissionType: AclPermissionTypes.DENY },
          { ...ofTopic, operation: AclOperationTypes.ALTER_CONFIGS, permissionType: AclPermissionTypes.DENY },
        ],
      });
      const refused = topicsOf(topic, own.brokers);
      await expect
        .poll(async () => (await refused('apply')).stderr, { timeout: 30_000 })
        .toContain('--create --topic tickets.checkpoints --partitions 1');
      await ownAdmin.deleteAcls({
        filters: [ofCluster, ofNewTopics].map((of) => ({
          ...of,
          operation: AclOperationTypes.CREATE,
          permissionType: AclPermissionTypes.DENY,
        })),
      });
      await expect
        .poll(async () => (await refused('apply')).stderr, { timeout: 30_000 })
        .toMatch(
          /may not change the settings of tickets[\s\S]*--entity-name tickets --add-config .*cleanup\.policy=compact/,
        );
      expect((await refused('apply')).code).toBe(2);
    } finally {
      await ownAdmin.disconnect();
    }
  });
});
