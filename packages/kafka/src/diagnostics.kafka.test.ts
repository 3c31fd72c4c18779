import { type ChildProcess, spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { thrownBy } from './testing/caught-error.ts';
import { connectWithCuts } from './testing/cut-connection.ts';
import { checkpointOf, committedKeys, testKafka } from './testing/test-kafka.ts';
import { ticket } from './testing/test-publisher.ts';
import type { TestLog } from './testing/ticket-log.ts';

const kafka = testKafka();
/** By name, as whoever attaches from outside does it. */
const names = [
  'ticket-stream:claim:before',
  'ticket-stream:claim:after',
  'ticket-stream:send:start',
  'ticket-stream:send:end',
  'ticket-stream:commit:before',
  'ticket-stream:commit:after',
  'ticket-stream:doubt',
  'ticket-stream:recovered',
];
const listeners: (() => void)[] = [];
afterEach(() => {
  for (const stop of listeners.splice(0)) stop();
});

function listen(log: TestLog): { name: string; message: Record<string, unknown> }[] {
  const seen: { name: string; message: Record<string, unknown> }[] = [];
  for (const name of names) {
    const onMessage = (message: unknown) => {
      const fields = message as Record<string, unknown>;
      if (fields['topic'] === log.names.tickets) seen.push({ name, message: fields });
    };
    subscribe(name, onMessage);
    listeners.push(() => unsubscribe(name, onMessage));
  }
  return seen;
}

describe('the points of a page', () => {
  it('come in order, with the sequence of the checkpoint that is to come', async () => {
    const log = await kafka.log('points');
    const seen = listen(log);
    const publisher = await kafka.publisher(log);
    await publisher.publishPage(Array.from({ length: 1_500 }, (_, n) => ticket(n + 1, 100)));
    const sends = seen
      .filter(({ name }) => name === 'ticket-stream:send:start')
      .map(({ message }) => Number(message['records']));
    expect(sends.length).toBeGreaterThan(1);
    expect(sends.reduce((sum, records) => sum + records, 0)).toBe(1_500);
    expect(seen.map(({ name, message }) => [name, message['sequence'], message['records']])).toEqual([
      ['ticket-stream:claim:before', 1, undefined],
      ['ticket-stream:claim:after', 1, undefined],
      ...sends.flatMap((records) => [
        ['ticket-stream:send:start', 2, records],
        ['ticket-stream:send:end', 2, records],
      ]),
      ['ticket-stream:commit:before', 2, undefined],
      ['ticket-stream:commit:after', 2, undefined],
    ]);
  });

  it('tell a doubt and what the checkpoint said', async () => {
    const log = await kafka.log('points-doubt');
    const { kafka: client, cuts } = connectWithCuts(sharedKafka().brokers);
    const publisher = await kafka.publisher({ ...log, kafka: client });
    const seen = listen(log);
    cuts.at('endTxn', 'answer');
    await thrownBy(publisher.publishPage([ticket(1, 100)]));
    await publisher.recover();
    expect(seen.map(({ name, message }) => [name, message['sequence'], message['fenced']])).toEqual([
      ['ticket-stream:send:start', 2, undefined],
      ['ticket-stream:send:end', 2, undefined],
      ['ticket-stream:commit:before', 2, undefined],
      ['ticket-stream:doubt', 2, false],
      ['ticket-stream:recovered', 2, undefined],
    ]);
    expect(seen.at(-2)?.message['error']).toBeInstanceOf(Error);
  });
});

/** Of 1,500 tickets: two sends a page. */
const PER_PAGE = 1_500;
const pageKeys = Array.from({ length: PER_PAGE }, (_, n) => String(n + 1));

function startPages(log: TestLog, killAt?: { point: string; count: number }): ChildProcess {
  return spawn(
    process.execPath,
    [
      '--import',
      fileURLToPath(new URL('./testing/kill-at-point.ts', import.meta.url)),
      fileURLToPath(new URL('./testing/publisher-of-pages.ts', import.meta.url)),
      sharedKafka().brokers,
      log.names.tickets,
      '2',
      String(PER_PAGE),
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        ...(killAt === undefined ? {} : { KILL_AT: killAt.point, KILL_AT_COUNT: String(killAt.count) }),
      },
    },
  );
}

describe('a process killed inside a point', () => {
  // What is durable at that very place: pages of two, and whether the export is claimed.
  it.each([
    { point: 'ticket-stream:claim:before', count: 1, pages: undefined },
    { point: 'ticket-stream:claim:after', count: 1, pages: 0 },
    { point: 'ticket-stream:send:start', count: 3, pages: 1 },
    { point: 'ticket-stream:send:end', count: 4, pages: 1 },
    { point: 'ticket-stream:commit:before', count: 2, pages: 1 },
    { point: 'ticket-stream:commit:after', count: 2, pages: 2 },
  ])(
    '$point ($count) leaves $pages committed pages; the next start adds the rest once',
    async ({ pages, ...killAt }) => {
      const log = await kafka.log('killed-at');
      const [code, signal] = await once(startPages(log, killAt), 'exit');
      expect([code, signal]).toEqual([null, 'SIGKILL']);
      const committedPages = await expect
        .poll(async () => (await checkpointOf(log))?.exportState.page)
        .toBe(pages)
        .then(() => pages ?? 0);
      const committed = Array.from({ length: committedPages }, () => pageKeys).flat();
      await committedKeys(log).toBe(committed);

      expect((await once(startPages(log), 'exit'))[0]).toBe(0);
      await committedKeys(log).toBe([...pageKeys, ...pageKeys]);
    },
  );
});
