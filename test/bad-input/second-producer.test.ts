import { join } from 'node:path';
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { describe, it } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { logLines } from '../support/scripted-producer.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { createSystem } from '../support/system.ts';

const TICKETS = 1_500;

describe.concurrent('a second producer on the same topic', () => {
  it.for([
    ['started while the first is in the middle of a backfill', true],
    ['started in the same moment', false],
  ] as const)(
    '%s: one ends with exit code 4 and says why, the other brings every ticket, once',
    async ([_, firstAtWork], { expect }) => {
      await using system = await createSystem({
        name: 'second-producer',
        simulator: { tickets: TICKETS, seed: 7, requestsPerMinute: 6_000 },
        env: { EXPORT_PER_PAGE: '50' },
      });
      const { brokers, topic, producer: first } = system;
      const second = new ServiceProcess('producer', join(system.dataDir, 'second'), {
        KAFKA_BROKERS: brokers,
        TICKETS_TOPIC: topic,
        ZENDESK_URL: system.simulator.url,
        ZENDESK_EMAIL: DEFAULT_EMAIL,
        ZENDESK_API_TOKEN: DEFAULT_TOKEN,
        EXPORT_SOURCE: system.simulator.source,
        EXPORT_REQUESTS_PER_MINUTE: '600',
        EXPORT_DELAY_SECONDS: '2',
        EXPORT_PER_PAGE: '50',
        START_TIME: '1',
      });
      try {
        first.start();
        if (firstAtWork) await first.until('the backfill under way', ({ published }) => published > 100);
        second.start();
        const ended = await until('one of the two to end', () =>
          [first, second].find(({ running }) => !running),
        );
        const other = ended === first ? second : first;
        expect(await ended.stopped(), ended.log).toBe(4);
        const words = logLines(ended.log).find(({ level }) => level === 'fatal')?.err;
        expect(words).toMatchObject({
          code: 'kafka.fenced',
          message: `another producer took over the export to ${topic}`,
          remedy: expect.stringContaining('run one producer'),
        });
        await other.until('the end of the stream', ({ stage }) => stage === 'live', 30_000);
        const versions = await readCommitted(brokers, topic);
        expect(copies(versions)).toEqual([]);
        expect(new Set(versions.map(({ ticketId }) => ticketId)).size).toBe(TICKETS);
        expect(other.running).toBe(true);
        expect(await other.stop()).toBe(0);
      } finally {
        await second.stop();
      }
    },
  );
});
