import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { until } from '../support/condition.ts';
import { API_TOKEN, createScriptedProducer, lastWords, START_SECOND } from '../support/scripted-producer.ts';
import { type Answer, answer, page, ticket } from '../support/scripted-zendesk.ts';
import { ServiceProcess } from '../support/service-process.ts';

const HTML = { 'content-type': 'text/html' };
const secrets = [API_TOKEN, Buffer.from(`admin@acme.example/token:${API_TOKEN}`).toString('base64')];

describe.concurrent('a refusal that asking again would not mend', () => {
  it.for<[string, Answer, number, string, RegExp]>([
    [
      '401',
      answer(401, JSON.stringify({ error: "Couldn't authenticate you", echo: API_TOKEN })),
      3,
      "Zendesk answered 401: Couldn't authenticate you",
      /ZENDESK_EMAIL and ZENDESK_API_TOKEN .*administrator/,
    ],
    [
      '401 that repeats the token',
      answer(401, JSON.stringify({ error: `bad token ${API_TOKEN}` })),
      3,
      'Zendesk answered 401: bad token …',
      /ZENDESK_API_TOKEN/,
    ],
    [
      '403 with an object',
      answer(403, '{"error":{"title":"Forbidden","message":"You do not have access to this page."}}'),
      3,
      'Zendesk answered 403: Forbidden: You do not have access to this page.',
      /administrator/,
    ],
    ['403 with empty HTML', answer(403, '', HTML), 3, 'Zendesk answered 403', /administrator/],
    [
      '404',
      answer(404, '{"error":{"title":"No help desk at acme.zendesk.com"}}'),
      2,
      'Zendesk answered 404: No help desk at acme.zendesk.com',
      /Check ZENDESK_URL/,
    ],
    [
      '422',
      answer(
        422,
        '{"error":"RecordInvalid","description":"Record validation errors","details":{"per_page":[]}}',
      ),
      2,
      'Zendesk answered 422: RecordInvalid: Record validation errors: {"per_page":[]}',
      /EXPORT_PER_PAGE/,
    ],
  ])('%s: one request, its exit code, what Zendesk said and what to check', async (refusal, { expect }) => {
    const [name, refused, exitCode, message, remedy] = refusal;
    await using rig = await createScriptedProducer(`refused-${name}`, { EXPORT_SOURCE: 'test:refused' });
    rig.zendesk.rest = refused;
    rig.producer.start();
    expect(await rig.producer.stopped(), rig.producer.log).toBe(exitCode);
    expect(rig.zendesk.requests).toHaveLength(1);
    expect(lastWords(rig.producer.log)).toMatchObject({ message, remedy: expect.stringMatching(remedy) });
    for (const secret of secrets) expect(rig.producer.log).not.toContain(secret);
  });

  it('a redirect to another host: nothing is sent there, and the log names it', async ({ expect }) => {
    const heard: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      heard.push(request.url);
      response.end('{}');
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const origin = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    try {
      await using rig = await createScriptedProducer('redirected');
      rig.producer.start();
      await rig.zendesk.play(
        answer(302, '', { location: `${origin}/login` }),
        answer(307, '', { location: origin }),
      );
      rig.zendesk.rest = answer(301, '', { location: `${origin}/api/v2/incremental/tickets` });
      expect(await rig.producer.stopped()).toBe(2);
      expect(lastWords(rig.producer.log)?.message).toContain('301');
      expect(rig.producer.log).toContain(origin);
      expect(heard).toEqual([]);
    } finally {
      elsewhere.close();
    }
  });

  it('a 429 that does not say how long is waited for, shown, and does not keep from stopping', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('rate-limited');
    rig.zendesk.rest = answer(429, '{"error":"APIRateLimitExceeded"}');
    rig.producer.start();
    await until('the wait to be shown', async () => {
      if (rig.producer.url === undefined) return false;
      return (await rig.status()).waitingFor === 'Zendesk, 60 s (429)';
    });
    expect(rig.zendesk.requests).toHaveLength(1);
    expect(await rig.producer.stop()).toBe(0);
  });

  it('a checkpoint of another source: exit code 2, both are named, no request', async ({ expect }) => {
    await using rig = await createScriptedProducer('one-source');
    rig.producer.start();
    await rig.zendesk.play(page([ticket(1, START_SECOND)], { end_time: START_SECOND + 1 }));
    await rig.producer.stop();
    await using other = await createScriptedProducer('other-source', { TICKETS_TOPIC: rig.topic });
    expect(await other.producer.start().stopped()).toBe(2);
    const words = lastWords(other.producer.log);
    expect(words?.code).toBe('source.mismatch');
    expect(words?.message).toContain('test:one-source');
    expect(words?.message).toContain('test:other-source');
    expect(words?.remedy).toContain('TICKETS_TOPIC');
    expect(other.zendesk.requests).toEqual([]);
  });
});

describe.concurrent('wrong options', () => {
  it.for(['producer', 'search', 'alerting'] as const)(
    '%s: a DATA_DIR that cannot be written is named, not taken for a defect',
    async (name, { expect, onTestFinished }) => {
      const folder = mkdtempSync(join(tmpdir(), 'no-data-dir-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'file'), '');
      const service = new ServiceProcess(name, folder, {
        DATA_DIR: join(folder, 'file', 'data'),
        KAFKA_BROKERS: '127.0.0.1:1',
        ZENDESK_URL: 'http://127.0.0.1:1',
        ZENDESK_EMAIL: 'admin@acme.example',
        ZENDESK_API_TOKEN: API_TOKEN,
        START_TIME: '2026-01-01',
      });
      expect(await service.start().stopped(), service.log).toBe(2);
      expect(lastWords(service.log)).toMatchObject({
        code: 'config.invalid',
        message: expect.stringContaining('DATA_DIR'),
      });
    },
  );

  it('are all named at once, each with what to do, before anything is asked or read', async ({ expect }) => {
    await using rig = await createScriptedProducer('wrong-options', {
      ZENDESK_URL: 'http://acme.zendesk.com',
      ZENDESK_PASSWORD: 'another-secret-of-this-test',
      START_TIME: String(Math.floor(Date.now() / 1000) + 3600),
      EXPORT_PER_PAGE: '1001',
      EXPORT_REQUESTS_PER_MINUTE: 'many',
      EXPORT_DELAY_SECONDS: '-1',
      EXPORT_SOURCE: 'no uri',
      EXPORT_ONCE: 'perhaps',
      ACCEPT_TOPIC_SETTINGS: '2',
      PRODUCER_PORT: '99999',
      KAFKA_BROKERS: '127.0.0.1:1',
      LOG_LEVEL: 'loud',
    });
    expect(await rig.producer.start().stopped()).toBe(2);
    const words = lastWords(rig.producer.log);
    expect(words?.code).toBe('config.invalid');
    const said = `${words?.message} ${words?.remedy}`;
    for (const name of [
      ...['ZENDESK_URL', 'ZENDESK_PASSWORD', 'START_TIME', 'EXPORT_PER_PAGE', 'EXPORT_REQUESTS_PER_MINUTE'],
      ...['EXPORT_DELAY_SECONDS', 'EXPORT_SOURCE', 'EXPORT_ONCE', 'ACCEPT_TOPIC_SETTINGS', 'PRODUCER_PORT'],
      'LOG_LEVEL',
    ]) {
      expect(said).toContain(name);
    }
    expect(said).toContain('in the future');
    expect(rig.producer.log).not.toContain(API_TOKEN);
    expect(rig.producer.log).not.toContain('another-secret-of-this-test');
    expect(rig.log().map(({ msg }) => msg)).not.toContain('starting');
    expect(rig.producer.url).toBeUndefined();
    expect(rig.zendesk.requests).toEqual([]);
  });

  it.for([
    ['http: to an account', { ZENDESK_URL: 'http://acme.zendesk.com' }, 'ZENDESK_URL'],
    [
      'http: to a host that only begins like loopback',
      { ZENDESK_URL: 'http://127.0.0.1.example.com' },
      'ZENDESK_URL',
    ],
    ['credentials in the URL', { ZENDESK_URL: 'https://me:hidden-word@acme.zendesk.com' }, 'ZENDESK_URL'],
    ['no credentials', { ZENDESK_API_TOKEN: '' }, 'ZENDESK_API_TOKEN'],
    ['no start', { START_TIME: '' }, 'START_TIME'],
    ['a start before 1970', { START_TIME: '1969-12-31' }, 'START_TIME'],
    ['two ways to be let in', { ZENDESK_OAUTH_TOKEN: 'hidden-word' }, 'ZENDESK_OAUTH_TOKEN'],
    [
      'a token that fits no header',
      { ZENDESK_API_TOKEN: '', ZENDESK_EMAIL: '', ZENDESK_OAUTH_TOKEN: 'hidden-word…' },
      'ZENDESK_OAUTH_TOKEN',
    ],
    [
      'a client without its secret',
      { ZENDESK_API_TOKEN: '', ZENDESK_OAUTH_CLIENT_ID: 'client' },
      'ZENDESK_OAUTH_CLIENT_SECRET',
    ],
    [
      'a secret without its client',
      { ZENDESK_OAUTH_CLIENT_SECRET: 'hidden-word' },
      'ZENDESK_OAUTH_CLIENT_SECRET',
    ],
    ['more than the whole allowance', { EXPORT_ALLOWANCE_SHARE: '1.5' }, 'EXPORT_ALLOWANCE_SHARE'],
    ['a mode nobody knows', { EXPORT_MODE: 'stream' }, 'EXPORT_MODE'],
    ['a scope nobody knows', { EXPORT_SUPPORT_TYPE_SCOPE: 'robots' }, 'EXPORT_SUPPORT_TYPE_SCOPE'],
  ] as const)('%s is refused', async ([name, env, option], { expect }) => {
    await using rig = await createScriptedProducer(`option-${name}`, {
      ...env,
      EXPORT_SOURCE: 'test:options',
    });
    expect(await rig.producer.start().stopped()).toBe(2);
    expect(lastWords(rig.producer.log)?.message).toContain(option);
    expect(rig.producer.log).not.toContain('hidden-word');
    expect(rig.zendesk.requests).toEqual([]);
  });
});
