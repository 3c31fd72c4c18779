/** `ticket-stream export` as an operator runs it: a real producer, a real broker, and a log made wrong by hand. */

import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { describe, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createSystem } from '../support/system.ts';

describe.concurrent('export verify', () => {
  it('finds the log equal', async ({ expect }) => {
    await using system = await createSystem({
      name: 'verify-equal',
      simulator: { tickets: 3000, seed: 3, requestsPerMinute: 6000, liveChangesPerMinute: 600 },
      env: { EXPORT_PER_PAGE: '200' },
    });
    system.producer.start();
    await system.producer.until('live', ({ stage }) => stage === 'live');
    const env = {
      KAFKA_BROKERS: system.brokers,
      TICKETS_TOPIC: system.topic,
      ZENDESK_URL: system.simulator.url,
      ZENDESK_EMAIL: DEFAULT_EMAIL,
      ZENDESK_API_TOKEN: DEFAULT_TOKEN,
      EXPORT_SOURCE: system.simulator.source,
      EXPORT_DELAY_SECONDS: '2',
      START_TIME: '1',
      DATA_DIR: system.dataDir,
      EXPORT_PER_PAGE: '200',
    };
    for (const args of [
      ['status'],
      ['status', '--json'],
      ['verify', '--all', '--requests-per-minute', '1200'],
      ['verify', '--all', '--json', '--requests-per-minute', '1200'],
      ['verify', '--sample', '3', '--requests-per-minute', '1200'],
      ['verify'],
      ['reset', '--to', '1700000000'],
    ]) {
      const a = await runCommand(['export', ...args], env);
      console.log(args.join(' '), a.exitCode, '\n', a.stdout.slice(0, 3000), a.stderr.slice(0, 2000));
    }
    expect(1).toBe(1);
  });
});
