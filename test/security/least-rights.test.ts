/**
 * The rights of docs/security.md are enough, and each of them is needed: every service runs end to end with exactly
 * them, and once without each, and then ends with an error that names the operation, the resource and the line to add.
 */
import { join } from 'node:path';
import type { AccessRight } from '@ticket-stream/dev-stack/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/condition.ts';
import { lastWords, START_SECOND } from '../support/scripted-producer.ts';
import { page, ScriptedZendesk, ticket } from '../support/scripted-zendesk.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { documentedRights, rightsOf } from './documented-rights.ts';
import { PASSWORD, type SecuredCluster, securedCluster } from './secured-cluster.ts';

const TOPIC = 'tickets';
const services = {
  producer: documentedRights('Producer', TOPIC),
  search: documentedRights('Search', TOPIC),
  alerting: documentedRights('Alerting', TOPIC),
} as const;
type Name = keyof typeof services;
const names = Object.keys(services) as Name[];
const without = (name: Name, at: number) => `${name}-without-${at}`;

let cluster: SecuredCluster;
let zendesk: ScriptedZendesk;

beforeAll(async () => {
  zendesk = await ScriptedZendesk.start();
  let id = 0;
  // Every page has something for each topic: a ticket, and one that can only be a dead letter.
  zendesk.rest = (response, { startTime }) => {
    id += 1;
    page([ticket(id, startTime + 1), { subject: `no id ${id}` }], {
      end_time: startTime + 1,
      end_of_stream: true,
    })(response);
  };
  cluster = await securedCluster(
    names.flatMap((name) => [name, ...services[name].map((_, at) => without(name, at))]),
  );
  const admin = cluster.superUser.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [TOPIC, `${TOPIC}.checkpoints`, `${TOPIC}.dlq`].map((topic) => ({
      topic,
      numPartitions: 1,
      configEntries: topic.endsWith('.dlq') ? [] : [{ name: 'cleanup.policy', value: 'compact' }],
    })),
  });
  await admin.disconnect();
  await putPoison();
  for (const name of names) {
    await cluster.kafka.allow(name, services[name]);
    for (const [at] of services[name].entries()) {
      await cluster.kafka.allow(without(name, at), services[name].toSpliced(at, 1));
    }
  }
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await zendesk[Symbol.asyncDispose]();
});

function service<N extends Name>(name: N, user: string): ServiceProcess<N> {
  return new ServiceProcess(name, join(cluster.folder, user), {
    ...cluster.options(user),
    TICKETS_TOPIC: TOPIC,
    ...(name === 'producer'
      ? {
          ZENDESK_URL: zendesk.url,
          ZENDESK_EMAIL: 'admin@acme.example',
          ZENDESK_API_TOKEN: 'token-of-zendesk',
          EXPORT_SOURCE: 'test:least-rights',
          EXPORT_REQUESTS_PER_MINUTE: '6000',
          START_TIME: String(START_SECOND),
          EXPORT_ONCE: 'true',
        }
      : {}),
  });
}

/** @throws with the end of its log where it still runs: it waits for what will never come */
async function ended(process: ServiceProcess<Name>): Promise<number | null> {
  try {
    await until(`the end of ${process.name}`, () => !process.running, 60_000);
  } catch (error) {
    await process.stop();
    throw new Error(`${String(error)}\n${process.log.slice(-3_000)}`);
  }
  return process.exitCode;
}

async function letters(): Promise<number> {
  const admin = cluster.superUser.admin();
  await admin.connect();
  const [offsets] = await admin.fetchTopicOffsets(`${TOPIC}.dlq`);
  await admin.disconnect();
  return Number(offsets?.high ?? 0);
}

describe('with exactly the rights of docs/security.md', () => {
  it('the producer publishes tickets and dead letters', async () => {
    const producer = service('producer', 'producer').start();
    expect({ exitCode: await ended(producer), words: lastWords(producer.log) }).toEqual({
      exitCode: 0,
      words: undefined,
    });
    expect(await letters()).toBeGreaterThan(0);
    expect(producer.log).not.toContain(PASSWORD);
  });

  it.each(['search', 'alerting'] as const)(
    '%s applies what is published, and sets aside what it cannot read',
    async (name) => {
      const before = await letters();
      const sink = service(name, name).start();
      try {
        await sink.until(
          'the whole log',
          ({ caughtUp, books }) => caughtUp && books.applied > 0 && books.deadLettered > 0,
        );
        expect(await letters()).toBeGreaterThan(before);
      } finally {
        expect(await sink.stop()).toBe(0);
      }
      expect(sink.log).not.toContain(PASSWORD);
    },
  );
});

describe.each(names)('%s without a single one of its rights', (name) => {
  it.each(services[name].map((right, at) => [spoken(right), right, at] as const))(
    '%s',
    async (_name, right, at) => {
      const user = without(name, at);
      const process = service(name, user).start();
      const exitCode = await process.stopped();
      const words = lastWords(process.log);
      expect({ exitCode, code: words?.code }).toEqual({ exitCode: 2, code: 'kafka.not_allowed' });
      expect(words?.message).toContain(`User:${user} may not`);
      const [line] = /kafka-acls\.sh .*--operation \S+ --\S+ [^\s;]+/.exec(words?.remedy ?? '') ?? [];
      expect(rightsOf(line ?? '', TOPIC).some((added) => helps(added, right))).toBe(true);
    },
  );
});

/** A record that no service can read, in the topic of the tickets. */
async function putPoison(): Promise<void> {
  const producer = cluster.superUser.producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ key: '7', value: 'no ticket' }] });
  await producer.disconnect();
}

/** The line gives what was taken away, or what comes with it and was missed first. */
function helps(added: AccessRight, taken: AccessRight): boolean {
  const named = taken.prefixed ? added.name.startsWith(taken.name) : added.name === taken.name;
  const comesWith = added.operation === 'Describe' && ['Read', 'Write'].includes(taken.operation);
  return added.resource === taken.resource && named && (added.operation === taken.operation || comesWith);
}

function spoken({ operation, resource, name }: AccessRight): string {
  return `${operation} ${resource} ${name}`;
}
