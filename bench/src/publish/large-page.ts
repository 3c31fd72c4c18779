import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MeasuredProducer } from './measured-producer.ts';
import { startPageServer } from './run-way.ts';
import type { SampleTicket } from './sample-tickets.ts';

const SAMPLE_MS = 500;

/**
 * The producer over one page of about `pageMb`.
 * @returns resident memory in MB: the peak, and its growth along the page in samples
 */
export async function memoryOverPage(
  dir: string,
  options: { brokers: string; samples: readonly SampleTicket[]; pageMb: number },
): Promise<{ peakMb: number; samplesMb: number[]; tickets: number; pageMb: number }> {
  const { brokers, samples, pageMb } = options;
  const sampleBytes = samples.reduce(
    (sum, { head, tail }) => sum + Buffer.byteLength(head) + Buffer.byteLength(tail) + 10,
    0,
  );
  const rounds = Math.ceil((pageMb * 1e6) / sampleBytes);
  const second = 1_000;
  const server = await startPageServer({ samples, rounds, lastSecond: second });
  const name = `large-${pageMb}`;
  const producer = new MeasuredProducer(join(dir, name), {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: name,
    ZENDESK_URL: server.url,
    ZENDESK_EMAIL: 'bench@example.com',
    ZENDESK_API_TOKEN: 'none',
    EXPORT_SOURCE: 'bench:large-page',
    EXPORT_ONCE: 'true',
    START_TIME: String(second),
  });
  const samplesMb: number[] = [];
  let peakMb = 0;
  try {
    while (producer.running) {
      try {
        const { now, peak } = producer.memoryMb();
        if (Number.isNaN(peak)) break; // ended, and its memory given back
        samplesMb.push(Math.round(now));
        peakMb = Math.max(peakMb, peak);
      } catch {
        break; // gone between the two looks
      }
      await wait(SAMPLE_MS);
    }
    const code = await producer.ended();
    if (code !== 0) throw new Error(`the producer ended (${code}):\n${producer.log.slice(-3_000)}`);
  } finally {
    await producer.stop();
    await server.stop();
  }
  const tickets = samples.length * rounds;
  return { peakMb, samplesMb, tickets, pageMb: (sampleBytes * rounds) / 1e6 };
}
