/**
 * The rights of docs/security.md are enough, and each of them is needed: every service and command runs end to end with
 * exactly them, and once without each, and then ends with an error that names the operation, the resource and the line
 * to add. Where a right is taken away that lets see as well, it is taken once more with that left: the first is refused
 * at a look, the second in the middle of the work.
 */
import { join } from 'node:path';
import type { AccessRight } from '@ticket-stream/dev-stack/testing';
import { letterHash, openLogReader } from '@ticket-stream/kafka';
import { readableEnds } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { START_SECOND } from '../support/scripted-producer.ts';
import type { ScriptedZendesk } from '../support/scripted-zendesk.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { documentedRights, rightsOf } from './documented-rights.ts';
import { type Ending, endingOf, exportOf, smallAccount } from './ending.ts';
import { PASSWORD, type SecuredCluster, securedCluster } from './secured-cluster.ts';

const TOPIC = 'tickets';
/** A command that waits for what will never come is killed then. */
const COMMAND_MS_MAX = 60_000;
/** Of Kafka's ConfigResource. */
const TOPIC_CONFIG = 2;
const services = ['producer', 'search', 'alerting'] as const;
type Service = (typeof services)[number];

const RETRYING = 'alerting-with-retries';
/** Exit code of a retry whose letter failed again. */
const DATA_AT_RISK = 5;

/** Each work once: the others go the same ways. */
const REFUSED_DEEP = new Set(['producer', 'search', 'topics-apply', 'dlq-retry']);

/** Heading in docs/security.md → what runs. */
const subjects: readonly {
  readonly heading: string;
  readonly rights: readonly AccessRight[];
  /** Begins the names of its users. */
  readonly name: string;
  readonly run: (user: string) => Promise<Ending>;
}[] = [
  ...services.map((name) => ({
    heading: `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    name,
    run: (user: string) => endOf(name, user),
  })),
  command('export status', ['export', 'status']),
  command('export verify', ['export', 'verify', '--all', '--requests-per-minute', '6000']),
  command('export reset', ['export', 'reset', '--to', String(START_SECOND), '--yes']),
  command('tail', ['tail', '--from', 'earliest', '--until', 'now']),
  command('topics list, topics show', ['topics', 'list']),
  command('topics apply', ['topics', 'apply'], forgetSettings),
  command('groups list, groups show', ['groups', 'show', `${TOPIC}.alerting`]),
  command('replay', ['replay', `${TOPIC}.alerting`, '--to-earliest', '--execute']),
  command('dlq list, dlq show', ['dlq', 'list']),
  command('dlq retry', ['dlq', 'retry', '--group', 'alerting', '--state', 'all', '--no-wait']),
  command('dlq drop', () => ['dlq', 'drop', letterOfAlerting, '--yes']),
].map((subject) => ({ ...subject, rights: documentedRights(subject.heading, TOPIC) }));

/** One right taken away, and what a user has in its place. */
interface Taken {
  readonly right: AccessRight;
  readonly instead: readonly AccessRight[];
  readonly user: string;
}

function takings(name: string, rights: readonly AccessRight[]): Taken[] {
  return rights.flatMap((right, at) => {
    const user = `${name}-without-${at}`;
    const seen = { ...right, operation: comesWith(right) ?? '' };
    const taken = { right, instead: [], user };
    const again = seen.operation !== '' && REFUSED_DEEP.has(name);
    return again ? [taken, { right, instead: [seen], user: `${user}-seen` }] : [taken];
  });
}

/** Who may read or write something may see it; who may change settings may read them. */
function comesWith({ operation }: AccessRight): string | undefined {
  if (operation === 'AlterConfigs') return 'DescribeConfigs';
  return ['Read', 'Write'].includes(operation) ? 'Describe' : undefined;
}

/** Of the record that no service can read, the first of its topic. */
const letterOfAlerting = letterHash(`${TOPIC}.alerting/${TOPIC}/0/0`);

let cluster: SecuredCluster;
let zendesk: ScriptedZendesk;

beforeAll(async () => {
  zendesk = await smallAccount();
  cluster = await securedCluster([
    RETRYING,
    ...subjects.flatMap(({ name, rights }) => [name, ...takings(name, rights).map(({ user }) => user)]),
  ]);
  const admin = cluster.superUser.admin();
  await admin.connect();
  await admin.createTopics({
    topics: ['', '.checkpoints', '.dlq', '.retry.alerting'].map((ending) => ({
      topic: `${TOPIC}${ending}`,
      numPartitions: 1,
      configEntries: ['', '.checkpoints'].includes(ending)
        ? [{ name: 'cleanup.policy', value: 'compact' }]
        : [],
    })),
  });
  await admin.disconnect();
  await putPoison();
  for (const { name, rights } of subjects) {
    await cluster.kafka.allow(name, rights);
    for (const { user, right, instead } of takings(name, rights)) {
      await cluster.kafka.allow(user, [...rights.filter((each) => each !== right), ...instead]);
    }
  }
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await zendesk[Symbol.asyncDispose]();
});

describe('with exactly the rights of docs/security.md', () => {
  it('the producer publishes tickets and dead letters', async () => {
    const { exitCode, words, everything } = await endOf('producer', 'producer');
    expect({ exitCode, words }).toEqual({ exitCode: 0, words: '' });
    expect(await letters()).toBeGreaterThan(0);
    expect(everything).not.toContain(PASSWORD);
  });

  it.each(['search', 'alerting'] as const)(
    '%s applies what is published, and sets aside what it cannot read',
    async (name) => {
      const before = await letters();
      const sink = service(name, name).start();
      try {
        // It lacks the right to its retries, says so, and works.
        await sink.until('a warning', () =>
          sink.log.includes(`${name} may not Describe topic ${TOPIC}.retry.${name}`),
        );
        await sink.until('the whole log', ({ caughtUp, books }) => caughtUp && books.deadLettered > 0);
        expect(sink.progress?.books.applied).toBeGreaterThan(0);
        expect(await letters()).toBeGreaterThan(before);
      } finally {
        expect(await sink.stop()).toBe(0);
      }
      expect(sink.log).not.toContain(PASSWORD);
      expect(sink.log.split('retried letters have to wait')).toHaveLength(2);
    },
  );

  it('alerting reads its retries where it may', async () => {
    const rights = documentedRights('Retries of dead letters', TOPIC);
    const own = rights.filter(({ name }) => name === `${TOPIC}.retry.alerting`);
    expect(own).toHaveLength(1);
    await cluster.kafka.allow(RETRYING, [...documentedRights('Alerting', TOPIC), ...own]);
    const sink = service('alerting', RETRYING).start();
    try {
      await sink.until('the whole log', ({ caughtUp }) => caughtUp);
      const { exitCode } = await retryAsSuperUser(`${TOPIC}.alerting`);
      expect(exitCode).toBe(DATA_AT_RISK);
    } finally {
      expect(await sink.stop()).toBe(0);
    }
    expect(sink.log).not.toContain('may not');
  });

  it.each(subjects.slice(services.length))('$heading does its work', async ({ name, run }) => {
    const { exitCode, everything } = await run(name);
    expect(everything).not.toContain('may not');
    expect(exitCode).toBe(0);
    expect(everything).not.toContain(PASSWORD);
  });
});

describe.each(subjects)('$heading without a single one of its rights', ({ name, rights, run }) => {
  const taken = takings(name, rights).map((each) => [spoken(each), each] as const);
  it.each(taken)('%s', async (_name, { right, instead, user }) => {
    const { exitCode, words } = await run(user);
    expect(words).toContain('may not');
    expect(exitCode).toBe(2);
    const [line = ''] = /kafka-acls\.sh .*--operation \S+ --\S+ [^\s;]+/.exec(words) ?? [];
    expect(rightsOf(line, TOPIC).filter((added) => helps(added, right, instead))).not.toEqual([]);
  });
});

function command(
  heading: string,
  args: readonly string[] | (() => readonly string[]),
  before: () => Promise<void> = async () => {},
) {
  return {
    heading,
    name: heading.replaceAll(/[ ,]+/g, '-'),
    async run(user: string): Promise<Ending> {
      await before();
      const env = { ...options(user), DATA_DIR: join(cluster.folder, user) };
      const { exitCode, stdout, stderr } = await runCommand(
        typeof args === 'function' ? args() : args,
        env,
        COMMAND_MS_MAX,
      );
      return { exitCode, words: stderr, everything: stdout + stderr };
    },
  };
}

function options(user: string): Record<string, string> {
  return { ...cluster.options(user), ...exportOf(zendesk), TICKETS_TOPIC: TOPIC };
}

function service<Name extends Service>(name: Name, user: string): ServiceProcess<Name> {
  return new ServiceProcess(name, join(cluster.folder, user), { ...options(user), LOG_LEVEL: 'debug' });
}

function endOf(name: Service, user: string): Promise<Ending> {
  return endingOf(service(name, user));
}

async function letters(): Promise<number> {
  const reader = await openLogReader(cluster.superUser);
  try {
    const to = await readableEnds(reader, `${TOPIC}.dlq`);
    const read = await Array.fromAsync(reader.read(`${TOPIC}.dlq`, { from: new Map(), to }));
    return read.flat().length;
  } finally {
    await reader.close();
  }
}

/** Waits for the outcome: the record is as bad as it was, so that its letter fails again. */
function retryAsSuperUser(group: string) {
  const env = { ...exportOf(zendesk), TICKETS_TOPIC: TOPIC, KAFKA_BROKERS: cluster.kafka.doors.plaintext };
  return runCommand(
    ['dlq', 'retry', '--group', group],
    { ...env, DATA_DIR: join(cluster.folder, 'super') },
    COMMAND_MS_MAX,
  );
}

/** Settings of topics as somebody else made them: each has something to apply. */
async function forgetSettings(): Promise<void> {
  const admin = cluster.superUser.admin();
  await admin.connect();
  const settings = {
    '': ['cleanup.policy', 'compact'],
    '.checkpoints': ['cleanup.policy', 'compact'],
    '.dlq': ['retention.ms', '86400000'],
  };
  await admin.alterConfigs({
    validateOnly: false,
    resources: Object.entries(settings).map(([ending, [name = '', value = '']]) => ({
      type: TOPIC_CONFIG,
      name: `${TOPIC}${ending}`,
      configEntries: [{ name, value }],
    })),
  });
  await admin.disconnect();
}

/** A record that no service can read, in the topic of the tickets. */
async function putPoison(): Promise<void> {
  const producer = cluster.superUser.producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ key: '7', value: 'no ticket' }] });
  await producer.disconnect();
}

/** The line gives what was taken away, or what came with it and was missed first. */
function helps(added: AccessRight, taken: AccessRight, instead: readonly AccessRight[]): boolean {
  const named = taken.prefixed ? added.name.startsWith(taken.name) : added.name === taken.name;
  const missedFirst = instead.length === 0 && comesWith(taken) === added.operation;
  return added.resource === taken.resource && named && (added.operation === taken.operation || missedFirst);
}

function spoken({ right: { operation, resource, name }, instead }: Taken): string {
  return `${operation} ${resource} ${name}${instead.length === 0 ? '' : ', which it may see'}`;
}
