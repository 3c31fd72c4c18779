/** Services against a broker that asks for TLS, certificates and logins: let in, or ended at once with what to do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScriptedZendesk } from '../support/scripted-zendesk.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { documentedRights } from './documented-rights.ts';
import { type Ending, endingOf, exportOf, smallAccount } from './ending.ts';
import { PASSWORD, type SecuredCluster, securedCluster } from './secured-cluster.ts';

const WRONG_PASSWORD = 'another-password-for-no-log';
const PASSPHRASE = 'a-passphrase-for-no-log';
const topicsToMake = (topic: string) => documentedRights('Topics', topic);

let cluster: SecuredCluster;
let zendesk: ScriptedZendesk;
let runs = 0;
const file = (name: string) => join(cluster.folder, name);

beforeAll(async () => {
  zendesk = await smallAccount();
  cluster = await securedCluster([
    'maker',
    'user',
    ...topicsToMake('x').map((_, at) => `maker-without-${at}`),
  ]);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await zendesk[Symbol.asyncDispose]();
});

function run(
  name: 'producer' | 'search' | 'alerting',
  topic: string,
  env: Readonly<Record<string, string>>,
): Promise<Ending> {
  return endingOf(
    new ServiceProcess(name, join(cluster.folder, `run-${++runs}`), {
      ...exportOf(zendesk),
      TICKETS_TOPIC: topic,
      LOG_LEVEL: 'debug',
      ...env,
    }),
  );
}

describe('the topics', () => {
  it('are created by a producer that may, and it goes on', async () => {
    await cluster.kafka.allow('maker', [...documentedRights('Producer', 'made'), ...topicsToMake('made')]);
    expect(await run('producer', 'made', cluster.options('maker'))).toMatchObject({ exitCode: 0, words: '' });
    const admin = cluster.superUser.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: ['made', 'made.checkpoints', 'made.dlq'] });
    await admin.disconnect();
    expect(Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]))).toEqual({
      made: 12,
      'made.checkpoints': 1,
      'made.dlq': 1,
    });
  });

  it.each(topicsToMake('x').map(({ name }, at) => [name.slice(1), at] as const))(
    'that it may not create are named with the command that does: x%s',
    async (ending, at) => {
      const topic = `unmade-${at}`;
      const user = `maker-without-${at}`;
      await cluster.kafka.allow(user, [
        ...documentedRights('Producer', topic),
        ...topicsToMake(topic).toSpliced(at, 1),
      ]);
      const { exitCode, words } = await run('producer', topic, cluster.options(user));
      expect(exitCode).toBe(2);
      expect(words).toContain('(kafka.topic_missing)');
      expect(words).toContain(`kafka-topics.sh --bootstrap-server … --create --topic ${topic}${ending} `);
    },
  );
});

describe('a client certificate', () => {
  it('lets a producer in by its name, with an encrypted key and the passphrase in a file', async () => {
    const { certificate, key } = await cluster.kafka.authority.issue({
      name: 'exporter',
      passphrase: PASSPHRASE,
    });
    writeFileSync(file('client.pem'), certificate);
    writeFileSync(file('client.key'), key, { mode: 0o600 });
    writeFileSync(file('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    const options = {
      KAFKA_BROKERS: cluster.kafka.doors.mutualTls,
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA: file('ca.pem'),
      KAFKA_TLS_CERT: file('client.pem'),
      KAFKA_TLS_KEY: file('client.key'),
      KAFKA_TLS_KEY_PASSPHRASE_FILE: file('passphrase'),
    };
    const refused = await run('producer', 'mutual', options);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.words).toContain('this client may not Describe topic mutual');
    await cluster.kafka.allow('CN=exporter', [
      ...documentedRights('Producer', 'mutual'),
      ...topicsToMake('mutual'),
    ]);
    const { everything, ...letIn } = await run('producer', 'mutual', options);
    expect(letIn).toEqual({ exitCode: 0, words: '' });
    expect(everything).not.toContain(PASSPHRASE);
    expect(everything).not.toContain('PRIVATE KEY');
  });
});

describe.each(['producer', 'search', 'alerting'] as const)('%s ends at once', (name) => {
  const wrong: readonly (readonly [
    what: string,
    env: () => Readonly<Record<string, string>>,
    exitCode: number,
    code: string,
    remedy: string,
  ])[] = [
    [
      'with a wrong password',
      () => ({ KAFKA_SASL_PASSWORD: WRONG_PASSWORD }),
      3,
      'kafka.credentials_refused',
      'KAFKA_SASL_PASSWORD',
    ],
    [
      'without TLS where the broker wants it',
      () => ({ KAFKA_TLS: 'false', KAFKA_TLS_CA: '' }),
      2,
      'kafka.protocol_mismatch',
      'KAFKA_TLS=true',
    ],
    [
      'without the authority of the broker',
      () => ({ KAFKA_TLS_CA: '' }),
      2,
      'kafka.broker_untrusted',
      'KAFKA_TLS_CA',
    ],
  ];
  // Each waits for the client's attempts more than it works.
  it.concurrent.each(wrong)('%s', async (_what, env, exitCode, code, remedy) => {
    const ending = await run(name, 'unreached', { ...cluster.options('user'), ...env() });
    expect(ending.exitCode).toBe(exitCode);
    expect(ending.words).toContain(`(${code})`);
    expect(ending.words).toContain(remedy);
    for (const secret of [PASSWORD, WRONG_PASSWORD]) expect(ending.everything).not.toContain(secret);
  });
});
