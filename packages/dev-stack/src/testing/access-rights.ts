import { setTimeout as pause } from 'node:timers/promises';
import kafkajs, { type AclEntry } from 'kafkajs';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes, logLevel } =
  kafkajs;

/** One rule of Kafka's authorizer, in the words of kafka-acls.sh. */
export interface AccessRight {
  readonly operation: string;
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly name: string;
  /** For every resource whose name begins so. */
  readonly prefixed: boolean;
}

const operations: Readonly<Record<string, number>> = {
  Alter: AclOperationTypes.ALTER,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
};
const resources = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
};

/** @param brokers  a door by which everything is allowed */
export async function allow(brokers: string, user: string, rights: readonly AccessRight[]): Promise<void> {
  if (rights.length === 0) return;
  const entries = rights.map((right) => entry(user, right));
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.createAcls({ acl: entries });
    // Written to the controller's log on return; the broker reads it a moment later.
    for (let missing = entries; missing.length > 0; await pause(20)) {
      const { resources: known } = await admin.describeAcls({
        principal: `User:${user}`,
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
      });
      missing = entries.filter(
        ({ resourceType, resourceName, operation }) =>
          !known.some(
            (resource) =>
              resource.resourceType === resourceType &&
              resource.resourceName === resourceName &&
              resource.acls.some((acl) => acl.operation === operation),
          ),
      );
    }
  } finally {
    await admin.disconnect();
  }
}

function entry(user: string, { operation, resource, name, prefixed }: AccessRight): AclEntry {
  const known = operations[operation];
  if (known === undefined) throw new Error(`no operation of Kafka: ${operation}`);
  return {
    principal: `User:${user}`,
    host: '*',
    operation: known,
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: resources[resource],
    resourceName: name,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  };
}
