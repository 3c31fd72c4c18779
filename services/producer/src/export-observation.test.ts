import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createExportObservation } from './export-observation.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function observation() {
  return createExportObservation({
    logger: { info: () => {} } as unknown as Parameters<typeof createExportObservation>[0]['logger'],
    perPage: 1_000,
    requestsAllowed: 10,
    spacingSeconds: 6.03,
    delaySeconds: 60,
    zendeskUrl: 'https://acme.zendesk.com',
    topics: { tickets: 'tickets', deadLetters: 'tickets.dlq' },
  });
}

it('a Kafka that is away for an hour makes the producer not ready, and not unhealthy: a restart would not help', () => {
  const observed = observation();
  void observed.waiting('kafka', () => new Promise<void>(() => {}));
  for (let attempt = 0; attempt < 720; attempt++) {
    vi.advanceTimersByTime(5_000);
    observed.waitingFor('Kafka');
  }
  expect(observed.healthy()).toEqual({ ok: true });
  expect(observed.ready()).toEqual({ ok: false, reason: 'starting: waiting for Kafka' });
});

it('an attempt at Kafka that never comes back is a loop that hangs', () => {
  const observed = observation();
  void observed.waiting('kafka', () => new Promise<void>(() => {}));
  observed.waitingFor('Kafka');
  vi.advanceTimersByTime(16 * 60_000);
  expect(observed.healthy().ok).toBe(false);
});
