import { execFile } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { expect, inject, it } from 'vitest';
import { ticket } from '../../packages/subscriber/src/testing/log-record.ts';
import { manyTickets, openTicketsLog } from '../../packages/subscriber/src/testing/tickets-log.ts';

const run = promisify(execFile);
const { project } = inject('installedPackage');
/** Another Node of those that the package names, to try it with. */
const node = process.env['TEAM_NODE'] ?? process.execPath;

interface Seen {
  readonly node: string;
  readonly applied: [ticketId: string, stamp: number, traceId: string | null][];
  readonly waits: (string | null)[];
  readonly books: Record<string, number>;
  readonly balance: boolean;
  readonly looped: [ticketId: string, stamp: number][];
  readonly links: string[];
  readonly refused: string;
}

it('another team’s program reads what our producer wrote: each version once, in order, refusals and all', async () => {
  const { brokers } = sharedKafka();
  const log = await openTicketsLog(brokers, `${topicPrefix('installed')}tickets`);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  try {
    await log.publish([ticket(1, 100), ticket(13, 100), ticket(2, 100)]);
    await log.abort(manyTickets());
    await log.publish([ticket(1, 200)]);
    const repeated = ticket(1, 100);
    const traced = ticket(3, 100);
    await log.write([
      { key: '1', value: repeated.value, headers: log.headersOf(repeated) },
      { key: '3', value: traced.value, headers: { ...log.headersOf(traced), traceparent } },
      { key: '4', value: '{' },
    ]);
    copyFileSync(join(import.meta.dirname, 'team-consumer.js'), join(project, 'team-consumer.js'));
    const path = join(project, 'versions.sqlite');
    const read = async (): Promise<Seen> => {
      const { stdout, stderr } = await run(node, ['team-consumer.js', brokers, log.topic, path], {
        cwd: project,
      });
      expect(stderr.replaceAll(/^.*(ExperimentalWarning: SQLite|--trace-warnings).*\n/gm, '')).toBe('');
      return JSON.parse(stdout) as Seen;
    };

    const first = await read();
    // The producer's sends carry no trace where nothing traces them; the last record brought one along.
    expect(first.applied).toEqual([
      ['1', 100, null],
      ['2', 100, null],
      ['1', 200, null],
      ['3', 100, '0af7651916cd43dd8448eb211c80319c'],
    ]);
    expect(first.waits).toContainEqual(expect.stringContaining('sink.unavailable'));
    expect(first.waits.at(-1)).toBeNull();
    expect(first.books).toEqual({
      consumed: 7,
      applied: 4,
      duplicate: 0,
      stale: 1,
      skipped: 0,
      deadLettered: 2,
    });
    expect(first.balance).toBe(true);
    expect(first.looped).toEqual([
      ['1', 100],
      ['13', 100],
      ['2', 100],
      ['1', 200],
      ['3', 100],
    ]);
    expect(first.links).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(first.refused).toBe('TimeoutError');
    const letters = (await log.deadLetters()).map(({ code }) => code);
    expect(letters).toEqual(expect.arrayContaining(['record.invalid_headers', 'sink.cannot_apply']));

    const again = await read();
    expect(again.applied).toEqual([]);
    expect(again.books).toMatchObject({ consumed: 0 });
    rmSync(path);
  } finally {
    await log.close();
  }
});
