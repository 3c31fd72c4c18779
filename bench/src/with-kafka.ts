import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '@ticket-stream/dev-stack';

export interface BenchKafka {
  /** For whatever the measurement writes. */
  readonly dir: string;
  readonly brokers: string;
}

/**
 * A folder and a broker of a measurement's own. Both are gone afterwards, also when it fails or is interrupted: the
 * broker is a process of its own, and nobody else would look for it.
 */
export async function withKafka<Result>(measure: (at: BenchKafka) => Promise<Result>): Promise<Result> {
  const dir = mkdtempSync(join(tmpdir(), 'ticket-stream-bench-'));
  const interrupted = Promise.withResolvers<never>();
  const interrupt = (signal: NodeJS.Signals): void => interrupted.reject(new Error(`ended by ${signal}`));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const kafka = await startKafka({ dataDir: join(dir, 'kafka') });
    try {
      return await Promise.race([measure({ dir, brokers: kafka.brokers }), interrupted.promise]);
    } finally {
      await kafka.stop();
    }
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    rmSync(dir, { recursive: true, force: true });
  }
}
