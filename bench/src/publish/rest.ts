import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_EMAIL, DEFAULT_TOKEN, startSimulator } from '@ticket-stream/zendesk-simulator';
import { MeasuredProducer } from './measured-producer.ts';

const REQUESTS_PER_MINUTE = 10;
/** A whole number of polls, and of the minute in which libraries do their housekeeping. */
const REST_MS = 120_000;
/** Two fewer than these two minutes allow. */
const REQUESTS_MIN = 18;
/** Compilation and the first garbage collections of a process are over by then. */
const SETTLE_MS = 15_000;

/**
 * The producer live at 10 requests a minute, nothing changing.
 * @returns processor time in % of one core, from /proc, over two minutes
 */
export async function cpuAtRest(dir: string, brokers: string): Promise<{ percent: number; seconds: number }> {
  const simulator = await startSimulator({
    dataDir: join(dir, 'rest-simulator'),
    tickets: 500,
    seed: 2,
    requestsPerMinute: REQUESTS_PER_MINUTE,
    liveChangesPerMinute: 0,
  });
  const producer = new MeasuredProducer(join(dir, 'rest'), {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: 'rest',
    ZENDESK_URL: simulator.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: simulator.source,
    EXPORT_REQUESTS_PER_MINUTE: String(REQUESTS_PER_MINUTE),
    START_TIME: '1',
  });
  try {
    await producer.untilLogged('reached the end of the stream');
    await wait(SETTLE_MS);
    const before = producer.cpuSeconds();
    const polled = simulator.status().requests.total;
    const startedAtMs = performance.now();
    await wait(REST_MS);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const requests = simulator.status().requests.total - polled;
    if (requests < REQUESTS_MIN) throw new Error(`at rest it asked only ${requests} times: it hangs`);
    return { percent: (100 * (producer.cpuSeconds() - before)) / seconds, seconds };
  } finally {
    await producer.stop();
    await simulator.stop();
  }
}
