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
