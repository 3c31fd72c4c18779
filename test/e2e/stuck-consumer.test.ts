/**
 * What a supervisor asks of a consumer, `/healthz`: that it stands still below the end of the log, with nothing that it
 * waits for, is told after a minute; a sink that refuses is waited for, and a new start would mend nothing.
 *
 * The services run in this process, for their clock to be set forward by a minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import { createLogger, readOptions, readServiceUrl } from '@ticket-stream/service-kit';
import type { StoreStep } from '@ticket-stream/subscriber';
import { expect, it, onTestFinished, vi } from 'vitest';
import { AlertState } from '../../packages/alerting/src/index.ts';
import { openSqliteIndex } from '../../packages/search/src/index.ts';
import { ticket } from '../../packages/subscriber/src/testing/log-record.ts';
import { openTicketsLog } from '../../packages/subscriber/src/testing/tickets-log.ts';
import { alertingOptions } from '../../services/alerting/src/config.ts';
import { runAlerting } from '../../services/alerting/src/wire.ts';
import { searchOptions } from '../../services/search/src/config.ts';
import { runSearch } from '../../services/search/src/wire.ts';

type Recording = { record(step: StoreStep, effect: () => unknown): Promise<void> };
type Run = (
  env: Record<string, string>,
  life: Omit<Parameters<typeof runSearch>[0], 'options' | 'isSet'>,
) => unknown;

async function indexes(folder: string): Promise<Recording> {
  const index = openSqliteIndex(join(folder, 'of-the-same-kind', 'index.sqlite'));
  await index.close();
  return Object.getPrototypeOf(index) as Recording;
}

const isSet = () => true;

const services: [name: string, run: Run, stores: (folder: string) => Recording | Promise<Recording>][] = [
  ['search', (env, life) => runSearch({ ...life, isSet, options: readOptions(searchOptions, env) }), indexes],
  [
    'alerting',
    (env, life) => runAlerting({ ...life, isSet, options: readOptions(alertingOptions, env) }),
    () => AlertState.prototype,
  ],
];

async function started(name: string, run: Run, folder: string) {
  const log = await openTicketsLog(sharedKafka().brokers, `${topicPrefix(`stuck-${name}`)}tickets`);
  const stop = new AbortController();
  const cleanUps: (() => unknown)[] = [];
  const env = {
    KAFKA_BROKERS: log.brokers,
    TICKETS_TOPIC: log.topic,
    DATA_DIR: folder,
    [`${name.toUpperCase()}_PORT`]: '0',
  };
  const running = run(env, {
    logger: createLogger({ service: name, destination: { write: () => {} } }),
    signal: stop.signal,
    stopped: new Promise(() => {}),
    telemetry: { scrape: undefined },
    onShutdown: (cleanUp) => cleanUps.unshift(cleanUp),
  });
  onTestFinished(async () => {
    stop.abort();
    await running;
    for (const cleanUp of cleanUps) await cleanUp();
    await log.close();
  });
  const ask = async (path: string) => {
    const answer = await fetch(`${readServiceUrl(folder, name)}${path}`);
    return { status: answer.status, ...((await answer.json()) as { ok: boolean; reason?: string }) };
  };
  await expect.poll(() => readServiceUrl(folder, name)).toBeDefined();
  await expect.poll(() => ask('/readyz').then(({ status }) => status)).toBe(200);
  return { log, ask };
}

/** For everybody who asks how much time has passed. */
function aMinutePasses(): void {
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
  onTestFinished(() => clock.mockRestore());
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stuck-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it.each(services)(
  '%s whose store hangs is unhealthy after a minute, and says where it stands',
  async (...service) => {
    const [name, run, stores] = service;
    const folder = newFolder();
    const { log, ask } = await started(name, run, folder);
    const goOn = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    onTestFinished(() => goOn.resolve());
    const hanging = vi.spyOn(await stores(folder), 'record').mockImplementation(() => {
      begun.resolve();
      return goOn.promise;
    });
    await log.publish([ticket(1, 100)]);
    await begun.promise;
    expect(await ask('/healthz')).toEqual({ status: 200, ok: true });
    aMinutePasses();
    const reason = expect.stringMatching(/^no progress for \d+ s: standing at \S+tickets-0, offset 0 of 2$/);
    await expect.poll(() => ask('/healthz')).toEqual({ status: 503, ok: false, reason });
    expect(await ask('/readyz')).toEqual({ status: 503, ok: false, reason });
    hanging.mockRestore();
    goOn.resolve();
    await expect.poll(() => ask('/healthz')).toEqual({ status: 200, ok: true });
  },
);

it.each(services)(
  '%s whose store refuses waits for it, for longer than a minute: healthy, not ready',
  async (...service) => {
    const [name, run, stores] = service;
    const folder = newFolder();
    const { log, ask } = await started(name, run, folder);
    const refusing = vi
      .spyOn(await stores(folder), 'record')
      .mockImplementation(() =>
        Promise.reject(new TicketStreamError('sink.unavailable', 'the disk is full')),
      );
    await log.publish([ticket(1, 100)]);
    await expect.poll(() => refusing.mock.calls.length).toBeGreaterThan(1);
    aMinutePasses();
    await expect
      .poll(() => ask('/readyz'))
      .toMatchObject({
        status: 503,
        reason: expect.stringContaining('the sink (sink.unavailable)'),
      });
    expect(await ask('/healthz')).toEqual({ status: 200, ok: true });
    refusing.mockRestore();
    await expect.poll(() => ask('/readyz')).toEqual({ status: 200, ok: true });
  },
);
