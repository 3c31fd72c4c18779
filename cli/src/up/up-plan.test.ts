import { describe, expect, it } from 'vitest';
import { planUp } from './up-plan.ts';

const flags = { kafka: 'auto' } as const;

describe('what `up` runs', () => {
  it('is the account of ZENDESK_URL, with a data folder of its own, or else the simulator', () => {
    const account = planUp(flags, { ZENDESK_URL: 'https://acme.zendesk.com', DATA_DIR: '/data' });
    expect(account).toMatchObject({ simulator: undefined, dataDir: '/data/acme.zendesk.com' });
    expect(planUp(flags, { DATA_DIR: '/data' })).toMatchObject({
      simulator: {},
      dataDir: '/data/simulator',
    });
  });

  it('reaches a broker of its own in clear, whatever is set for another cluster', () => {
    const secured = { KAFKA_TLS: 'true', KAFKA_SASL_PASSWORD_FILE: '/run/secrets/kafka' };
    expect(planUp(flags, { ...secured, TICKETS_TOPIC: 'mine' }).env).toEqual({ TICKETS_TOPIC: 'mine' });
    const given = { ...secured, KAFKA_BROKERS: 'kafka:9093' };
    expect(planUp(flags, given).env).toEqual(given);
  });

  it.each([
    ['https://me:topsecret@acme.zendesk.com', 'has credentials in it'],
    ['acme', 'is not a URL'],
  ])('is not %s, which the producer refuses too; the screen shows no password', (url, problem) => {
    let refusal: unknown;
    try {
      planUp(flags, { ZENDESK_URL: url });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining(`ZENDESK_URL: ${problem}`),
    });
    expect((refusal as Error).message).not.toContain('topsecret');
  });
});
