import { ownKafka } from '@ticket-stream/dev-stack/testing';
import { expect, it } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { logLines } from '../support/scripted-producer.ts';
import { createSystem } from '../support/system.ts';

const TICKETS = 2_000;

it('a broker that is away at the start and again in the middle is waited for; nothing is lost, nothing is there twice', async () => {
  await using kafka = await ownKafka();
  await using system = await createSystem({
    name: 'broker-away',
    simulator: { tickets: TICKETS, seed: 11 },
    env: { KAFKA_BROKERS: kafka.brokers, EXPORT_PER_PAGE: '50' },
  });
  const { producer, topic } = system;

  await kafka.kill();
  producer.start();
  await producer.until('to wait for Kafka', ({ waitingFor }) => waitingFor?.startsWith('Kafka'));
  const ready = await fetch(`${producer.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain('Kafka');
  expect(system.simulator.status().requests.total).toBe(0);
  await kafka.restart();
  await producer.until('pages', ({ published }) => published > 200);

  await kafka.kill();
  const before = producer.progress;
  await producer.until('to wait for Kafka again', ({ waitingFor }) => waitingFor?.startsWith('Kafka'));
  expect(before?.stage).toBe('backfill');
  await kafka.restart();
  await producer.until('the end of the stream', ({ stage }) => stage === 'live');
  await producer.until('to wait for nothing', ({ waitingFor }) => waitingFor === undefined);
  expect(await producer.stop()).toBe(0);

  const warnings = logLines(producer.log).filter(({ level }) => level === 'warn');
  expect(warnings.map(({ msg }) => msg)).toContain('preparing the topics: waiting for Kafka');
  expect(warnings.some(({ msg }) => msg === 'a transaction is in doubt; asking the checkpoint')).toBe(true);
  // Waiting is said once, not at every attempt.
  expect(warnings.filter(({ msg }) => msg.includes('waiting for Kafka')).length).toBeLessThanOrEqual(2);
  const versions = await readCommitted(kafka.brokers, topic);
  expect(copies(versions)).toEqual([]);
  const logged = new Set(versions.map(({ ticketId, digest }) => `${ticketId} ${digest}`));
  const missing = [...system.simulator.latest()].filter(({ id, digest }) => !logged.has(`${id} ${digest}`));
  expect(missing).toEqual([]);
  expect(versions).toHaveLength(TICKETS);
});
