import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ticketDigest } from '@ticket-stream/ticket';
import { readLedger } from '@ticket-stream/zendesk-simulator';
import { beforeAll, describe, expect, it } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { createSystem, type System } from '../support/system.ts';

/** The topic as two clients see it that nobody here wrote: Kafka's own console consumer, and kcat (librdkafka). */
describe('the tickets topic, read by others', () => {
  let system: System;
  const served = new Map<string, string>();

  beforeAll(async () => {
    system = await createSystem({
      name: 'peers',
      simulator: { tickets: 2_000, seed: 7, frozen: true },
      env: { EXPORT_ONCE: 'true' },
    });
    system.producer.start();
    expect(await system.producer.stopped()).toBe(0);
    for await (const { id, generatedTimestamp, digest } of readLedger(join(system.dataDir, 'simulator'))) {
      served.set(`${id}-${generatedTimestamp}`, digest);
    }
    return () => system[Symbol.asyncDispose]();
  }, 120_000);

  it('holds, for the console consumer, every version served, once, byte for byte', async () => {
    const versions = await readCommitted(system.brokers, system.topic);
    expect(copies(versions)).toEqual([]);
    expect(versions.length).toBe(served.size);
    for (const { ticketId, stamp, digest, headers } of versions) {
      expect(served.get(`${ticketId}-${Date.parse(stamp) / 1000}`)).toBe(digest);
      expect(headers.get('ce_digest')).toBe(digest);
      expect(headers.get('ce_subject')).toBe(ticketId);
      expect(headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    }
  });

  it('shows kcat the same keys, headers and value bytes', async () => {
    expect(execFileSync('kcat', ['-V'], { encoding: 'utf8' })).toContain('kcat');
    const kcat = spawn('kcat', [
      ...['-b', system.brokers, '-t', system.topic, '-C', '-e', '-q', '-o', 'beginning'],
      ...['-X', 'isolation.level=read_committed', '-J'],
    ]);
    let records = 0;
    for await (const line of createInterface({ input: kcat.stdout })) {
      const { key, headers, payload } = JSON.parse(line) as {
        key: string;
        headers: string[];
        payload: string;
      };
      const names = new Map<string, string>();
      for (let i = 0; i < headers.length; i += 2) names.set(headers[i] ?? '', headers[i + 1] ?? '');
      const stamp = Date.parse(names.get('ce_updatedstamp') ?? '') / 1000;
      expect(ticketDigest(Buffer.from(payload, 'utf8'))).toBe(served.get(`${key}-${stamp}`));
      expect(names.get('ce_id')).toBe(`${key}-${stamp}-${names.get('ce_digest')}`);
      records++;
    }
    expect(records).toBe(served.size);
  });
});
