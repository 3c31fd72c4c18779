import { optionsHelp, readOptions } from '@ticket-stream/service-kit';
import { describe, expect, it } from 'vitest';
import { alertingOptions } from './config.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const enough = { KAFKA_BROKERS: 'localhost:9092' };

function problem(env: Record<string, string>): string {
  try {
    readOptions(alertingOptions, { ...enough, ...env });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the options are right');
}

describe("alerting's options", () => {
  it('need the brokers and nothing else', () => {
    expect(readOptions(alertingOptions, enough)).toMatchObject({
      TICKETS_TOPIC: 'tickets',
      ALERTING_PORT: 7701,
      ALERT_MAX_EVENT_AGE: 6 * 3600,
      ALERT_RULES: undefined,
      ALERT_WEBHOOK_URL: undefined,
    });
  });

  it('take a webhook by https, and by http on this machine', () => {
    for (const url of [
      'https://alerts.example/hook',
      'http://127.0.0.1:8080/hook',
      'http://localhost:8080',
    ]) {
      const env = { ...enough, ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: SECRET };
      expect(readOptions(alertingOptions, env).ALERT_WEBHOOK_URL).toBe(url);
    }
  });

  it.each<[Record<string, string>, RegExp]>([
    [
      { ALERT_WEBHOOK_URL: 'http://alerts.example/hook', ALERT_WEBHOOK_SECRET: SECRET },
      /ALERT_WEBHOOK_URL: would send credentials in clear/,
    ],
    [{ ALERT_WEBHOOK_URL: 'https://alerts.example/hook' }, /ALERT_WEBHOOK_SECRET: is missing/],
    [{ ALERT_WEBHOOK_SECRET: SECRET }, /ALERT_WEBHOOK_SECRET: is set, but ALERT_WEBHOOK_URL is not/],
    [
      { ALERT_WEBHOOK_URL: 'https://alerts.example', ALERT_WEBHOOK_SECRET: 'hush-hush' },
      /ALERT_WEBHOOK_SECRET: must be whsec_ followed by base64/,
    ],
    [{ ALERT_MAX_EVENT_AGE: '6' }, /ALERT_MAX_EVENT_AGE: has no unit/],
    [{ ALERT_MAX_EVENT_AGE: '1s' }, /ALERT_MAX_EVENT_AGE: must be at least 1m/],
  ])('refuse %o', (env, expected) => {
    expect(problem(env)).toMatch(expected);
  });

  it('never show a secret that is wrong', () => {
    expect(
      problem({ ALERT_WEBHOOK_URL: 'https://a.example', ALERT_WEBHOOK_SECRET: 'hush-hush' }),
    ).not.toContain('hush');
  });

  it('are told by --help', () => {
    expect(
      optionsHelp(alertingOptions, { name: 'alerting', summary: 'Summary.', columns: 100 }),
    ).toMatchSnapshot();
  });
});
