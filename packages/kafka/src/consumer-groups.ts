/** Who reads: the cluster's consumer groups as its coordinators know them. Nothing is joined, nothing is changed. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { asKafkaError } from './kafka-errors.ts';
import { whileCoordinatorMoves } from './while-moving.ts';

const { AssignerProtocol } = kafkajs;

export interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  /** As the broker sees it, without its leading slash. */
  readonly clientHost: string;
  /** Of each topic, the partitions it was given; empty while the group rebalances. */
  readonly assigned: ReadonlyMap<string, readonly number[]>;
}

export interface ConsumerGroup {
  readonly group: string;
  /**
   * Kafka's own words (Empty, Stable, PreparingRebalance, CompletingRebalance), and NewProtocol: kafkajs cannot ask for
   * the members of a group that speaks the newer protocol (KIP-848), so that nobody knows here whether it is active.
   */
  readonly state: string;
  readonly members: readonly GroupMember[];
}

/** A group without members, as far as can be known: offsets can be committed for it from outside. */
export function isInactive({ state }: ConsumerGroup): boolean {
  return state === 'Empty' || state === 'Dead' || state === 'NewProtocol';
}

/** Names of all groups that this user may see, sorted. */
export async function listGroups(kafka: Kafka): Promise<readonly string[]> {
  return withAdmin(kafka, 'listing the consumer groups', async (admin) =>
    [...(await knownGroups(admin))].sort((a, b) => (a < b ? -1 : 1)),
  );
}

/** In the order of the names; a group that is not there is left out. */
export async function describeGroups(
  kafka: Kafka,
  names: readonly string[],
): Promise<readonly ConsumerGroup[]> {
  if (names.length === 0) return [];
  return withAdmin(kafka, 'looking at consumer groups', async (admin) => {
    const known = await knownGroups(admin);
    const { groups } = await whileCoordinatorMoves(() => admin.describeGroups([...names]));
    const found = new Map(groups.map((each) => [each.groupId, each]));
    return names.flatMap((group) => {
      const answer = found.get(group);
      // A group that nobody knows is described as dead; so is one of the newer protocol, which the list has.
      if (answer === undefined || (answer.state === 'Dead' && !known.has(group))) return [];
      return [
        {
          group,
          state: answer.state === 'Dead' ? 'NewProtocol' : answer.state,
          members: answer.members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
            memberId,
            clientId,
            clientHost: clientHost.replace(/^\//, ''),
            assigned: assignedPartitions(memberAssignment),
          })),
        },
      ];
    });
  });
}

/** How many members a group has now, as far as can be known; 0 also where there is no such group. */
export async function countGroupMembers(kafka: Kafka, group: string): Promise<number> {
  const [found] = await describeGroups(kafka, [group]);
  return found?.members.length ?? 0;
}

async function knownGroups(admin: Admin): Promise<ReadonlySet<string>> {
  const { groups } = await whileCoordinatorMoves(() => admin.listGroups());
  return new Set(
    groups
      .filter(({ protocolType }) => ['consumer', ''].includes(protocolType))
      .map(({ groupId }) => groupId),
  );
}

/** What kafkajs cannot read is another client's own format: no partitions are shown then. */
function assignedPartitions(assignment: Buffer): ReadonlyMap<string, readonly number[]> {
  if (assignment.length === 0) return new Map();
  try {
    return new Map(Object.entries(AssignerProtocol.MemberAssignment.decode(assignment)?.assignment ?? {}));
  } catch {
    return new Map();
  }
}

async function withAdmin<T>(kafka: Kafka, doing: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw asKafkaError(error, doing);
  } finally {
    await admin.disconnect();
  }
}
