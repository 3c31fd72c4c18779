import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulatorFixture } from './testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('options', () => {
  it('are refused all at once', async () => {
    const wrong = {
      seed: -1,
      tickets: 0,
      delaySeconds: 1.5,
      credentials: { email: 'a@b.c' },
      linkOrigin: 'acme',
    };
    await expect(fixture.start(wrong)).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(
        /seed=-1.*tickets=0.*delaySeconds=1.5.*credentials need.*linkOrigin=acme/,
      ),
    });
  });

  it('name the port that is taken', async () => {
    const simulator = await fixture.start();
    const other = mkdtempSync(join(tmpdir(), 'simulator-'));
    const port = Number(new URL(simulator.url).port);
    await expect(fixture.start({ dataDir: other, port })).rejects.toMatchObject({
      code: 'config.port_taken',
    });
    rmSync(other, { recursive: true, force: true });
  });
});
