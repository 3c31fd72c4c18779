/** Asks the producer of a data folder how it is. */
import { readServiceUrl } from '@ticket-stream/service-kit';
import { request } from 'undici';

export interface ProducerAnswer {
  readonly url: string;
  /** Its process is there; false: nothing answers at the address all the same. */
  readonly answers: boolean;
  readonly ready: boolean;
  /** Why it is not ready, in its own words. */
  readonly reason: string | undefined;
  readonly stage: string | undefined;
  readonly waitingFor: string | undefined;
}

const TIMEOUT_MS = 5_000;

/** undefined where no producer runs on this data folder. */
export async function askProducer(dataDir: string): Promise<ProducerAnswer | undefined> {
  const url = readServiceUrl(dataDir, 'producer');
  if (url === undefined) return undefined;
  const [ready, status] = await Promise.all([ask(url, '/readyz'), ask(url, '/status')]);
  return {
    url,
    answers: ready !== undefined,
    ready: ready?.['ok'] === true,
    reason: text(ready?.['reason']),
    stage: text(status?.['stage']),
    waitingFor: text(status?.['waitingFor']),
  };
}

async function ask(base: string, path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await request(new URL(path, base), {
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const body: unknown = await response.body.json();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    // Something else listens there, or nothing does.
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
