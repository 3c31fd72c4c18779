/** OAuth client credentials, as a process: a token that ends in the middle of a run costs one request and no page. */
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET } from '@ticket-stream/zendesk-simulator';
import { it } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { lastWords } from '../support/scripted-producer.ts';
import { createSystem } from '../support/system.ts';

const withoutBasic = { ZENDESK_EMAIL: '', ZENDESK_API_TOKEN: '' };
const client = {
  ...withoutBasic,
  ZENDESK_OAUTH_CLIENT_ID: DEFAULT_CLIENT_ID,
  ZENDESK_OAUTH_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
};

it('a token revoked in the middle of a backfill is fetched anew, once each time, and nothing is missed', async ({
  expect,
}) => {
  await using system = await createSystem({
    name: 'oauth',
    simulator: { tickets: 400, frozen: true },
    env: { ...client, EXPORT_PER_PAGE: '20' },
  });
  const { producer, simulator } = system;
  producer.start();
  for (const [pages, tokens] of [
    [4, 1],
    [12, 2],
  ] as const) {
    await producer.until(`${pages} pages`, (progress) => progress.pages >= pages);
    // However late that is seen: what is revoked is a token that lets requests in.
    await until(`token ${tokens}`, () => simulator.status().requests.tokensIssued === tokens);
    expect(simulator.revokeTokens()).toBe(1);
  }
  await producer.until('live', ({ stage }) => stage === 'live');
  const { tokensIssued, byStatus } = simulator.status().requests;
  expect([tokensIssued, byStatus[401]]).toEqual([3, 2]);
  const log = await readCommitted(system.brokers, system.topic);
  expect([log.length, copies(log)]).toEqual([400, []]);
  expect(producer.log).not.toContain(DEFAULT_CLIENT_SECRET);
});

it('a client that is not known: exit code 3 with what to check, and the secret is nowhere', async ({
  expect,
}) => {
  await using system = await createSystem({
    name: 'oauth-unknown',
    simulator: { tickets: 10, frozen: true },
    env: { ...client, ZENDESK_OAUTH_CLIENT_SECRET: 'a-wrong-secret-of-this-test' },
  });
  const { producer, simulator } = system;
  expect(await producer.start().stopped()).toBe(3);
  expect(lastWords(producer.log)?.remedy).toContain('ZENDESK_OAUTH_CLIENT_ID');
  expect(producer.log).not.toContain('a-wrong-secret-of-this-test');
  const { total, tokensRefused } = simulator.status().requests;
  expect([total, tokensRefused]).toEqual([0, 1]);
});

it('a token given by hand that is refused: exit code 3, one request', async ({ expect }) => {
  await using system = await createSystem({
    name: 'oauth-token',
    simulator: { tickets: 10, frozen: true },
    env: { ...withoutBasic, ZENDESK_OAUTH_TOKEN: 'a-token-of-nobody' },
  });
  expect(await system.producer.start().stopped()).toBe(3);
  await until('the refusal to be counted', () => system.simulator.status().requests.byStatus[401] === 1);
  expect(system.producer.log).not.toContain('a-token-of-nobody');
  expect(system.simulator.status().requests.total).toBe(1);
});
