import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import type { MadeVersion } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ticket } from '../../packages/subscriber/src/testing/log-record.ts';
import {
  manyTickets,
  openTicketsLog,
  type TicketsLog,
} from '../../packages/subscriber/src/testing/tickets-log.ts';
import { readmeBlocks } from './readme-blocks.ts';

const run = promisify(execFile);
const examples = resolve(import.meta.dirname, '../../examples');
const GROUPS = [null, 360001, 360002, 360003];
const STATUSES = ['new', 'open', 'pending', 'solved'];
const TICKETS = 400;

/** The examples as a new user would try them: each command of their READMEs as it is printed, in its folder. */
describe('the examples', () => {
  let log: TicketsLog;
  const truth = new Map<string, { team: string; status: string }>();

  beforeAll(async () => {
    log = await openTicketsLog(sharedKafka().brokers, `${topicPrefix('examples')}tickets`, 3);
    forgetTrials();
    await fill(1_000);
  });
  afterAll(async () => {
    await log.close();
    forgetTrials();
  });

  /** Two versions of most tickets, an aborted page, repeats, older versions, deletions, records of somebody else. */
  async function fill(second: number): Promise<void> {
    const first = Array.from({ length: TICKETS }, (_, n) => version(n + 1, second));
    const next = first.filter((_, n) => n % 3 !== 0).map(({ id }) => version(id, second + 1));
    await log.publish(first);
    await log.abort(manyTickets());
    await log.publish(next);
    // A colliding second: same stamp, other content; the one further on in the log counts.
    await log.publish([version(2, second + 1, 1)]);
    const deleted = next
      .filter((_, n) => n % 40 === 0)
      .map(({ id }) => ({ ...version(id, second + 2), deleted: true }));
    await log.write([
      ...first.slice(0, 50).map(recordOf),
      ...deleted.map(recordOf),
      { key: 'nobody', value: '{}' },
      { key: '1', value: '{}' },
      { ...recordOf(version(3, second + 9)), value: 'no JSON' },
    ]);
    for (const { id } of deleted) truth.delete(String(id));
    truth.set('3', totalOf(next.find(({ id }) => id === 3)));
  }

  /** Also takes it for the truth: called in the order of versions. */
  function version(id: number, stamp: number, turn = 0): MadeVersion {
    const group_id = GROUPS[(id + stamp + turn) % GROUPS.length];
    const status = STATUSES[(id * 7 + stamp + turn) % STATUSES.length];
    const made = {
      id,
      stamp,
      value: Buffer.from(JSON.stringify({ id, group_id, status, subject: `${stamp} ${turn}` })),
    };
    truth.set(String(id), totalOf(made));
    return made;
  }

  const recordOf = (ticket: MadeVersion) => ({
    key: String(ticket.id),
    value: ticket.value as Buffer | string,
    headers: log.headersOf(ticket),
  });

  function expected(): string {
    const totals = new Map<string, number>();
    for (const { team, status } of truth.values()) {
      const name = `${team}\t${status}`;
      totals.set(name, (totals.get(name) ?? 0) + 1);
    }
    return [...totals]
      .map(([name, count]) => `${name}\t${count}\n`)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join('');
  }

  const environment = () => ({ ...process.env, KAFKA_BROKERS: log.brokers, TICKETS_TOPIC: log.topic });

  async function shell(folder: string, commands: string): Promise<string> {
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands], {
      cwd: join(examples, folder),
      env: environment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  it.for(['typescript', 'python'])(
    '%s: totals are the truth, stay so when it runs again, and follow what is published then',
    async (folder) => {
      const [install = '', read = '', again = '', ...more] = readmeBlocks(
        join(examples, folder, 'README.md'),
        'sh',
      );
      expect(more).toEqual([]);
      await shell(folder, install);
      expect(await shell(folder, read)).toBe(expected());
      expect(await shell(folder, again)).toBe(expected());
      const before = expected();
      await fill(folder === 'typescript' ? 2_001 : 5_003);
      expect(expected()).not.toBe(before);
      expect(await shell(folder, read)).toBe(expected());
      if (folder === 'typescript') {
        await fill(4_002);
        await killAtFirstBatch();
        expect(await shell(folder, read)).toBe(expected());
      }
      // A replay: everything again, from the first offset.
      if (folder === 'typescript') await resetGroup(`${log.topic}.totals`);
      else
        await shell(
          folder,
          ".venv/bin/python -c \"import sqlite3; sqlite3.connect('totals.sqlite', isolation_level=None).execute('DELETE FROM positions')\"",
        );
      expect(await shell(folder, read)).toBe(expected());
      // Anew, as the README says.
      forgetTotals();
      expect(await shell(folder, read)).toBe(expected());
    },
  );

  it('python: goes on in no other log than the one its file is of, and names the file to delete', async () => {
    const [install = '', read = ''] = readmeBlocks(join(examples, 'python', 'README.md'), 'sh');
    const tickets = [1, 2, 3].map((id) => ticket(id, 1));
    forgetTotals();
    await shell('python', install);
    const logs: TicketsLog[] = [];
    for (const name of ['made', 'made-again']) {
      const made = await openTicketsLog(sharedKafka().brokers, `${topicPrefix(name)}tickets`, 1);
      logs.push(made);
      await made.publish(tickets);
      // What is set aside names no log.
      await made.write([{ key: 'nobody', value: '{}' }]);
      if (name === 'made-again') await made.publish(tickets);
    }
    const readOf = (made: TicketsLog | undefined) => shell('python', `TICKETS_TOPIC=${made?.topic} ${read}`);
    const totals = await readOf(logs[0]);
    expect(await readOf(logs[0])).toBe(totals);
    await expect(readOf(logs[1])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/another log .* delete totals\.sqlite/),
    });
    expect(await readOf(logs[0])).toBe(totals);
    for (const made of logs) await made.close();
  });

  it('kcat: counts the tickets, shows the versions of one and its newest', async () => {
    const [define = '', count = '', history = '', newest = '', ...more] = readmeBlocks(
      join(examples, 'kcat', 'README.md'),
      'sh',
    );
    expect(more).toEqual([]);
    const look = (commands: string) => shell('kcat', `${define}\n${commands}`);
    const keys = new Set<string>();
    const versions: string[] = [];
    let last: { stamp: string; value: string } | undefined;
    const to = await log.reader.stableEndOffsets(log.topic);
    for await (const records of log.reader.read(log.topic, { from: new Map(), to })) {
      for (const { key, value, partition, offset, headers } of records) {
        keys.add(String(key));
        if (String(key) !== '7') continue;
        versions.push(`${partition}/${offset}`);
        const stamp = String(headers?.['ce_updatedstamp']);
        if (last === undefined || stamp >= last.stamp) last = { stamp, value: String(value) };
      }
    }
    expect(Number(await look(count))).toBe(keys.size);
    const lines = (await look(history)).trimEnd().split('\n');
    expect(lines.map((line) => line.split('\t')[1])).toEqual(versions);
    expect(lines[0]).toContain('ce_type=com.zendesk.ticket.changed');
    expect(await look(newest)).toBe(`${last?.value}\n`);
  });

  /** Follows the topic until it has said that something changed, and ends by SIGKILL with more to read. */
  async function killAtFirstBatch(): Promise<void> {
    const child = spawn(process.execPath, ['totals.ts'], {
      cwd: join(examples, 'typescript'),
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.endsWith('tickets changed')) child.kill('SIGKILL');
    }
    expect(await ended).toEqual([null, 'SIGKILL']);
  }

  async function resetGroup(groupId: string): Promise<void> {
    const admin = log.kafka.admin();
    await admin.connect();
    const partitions = [0, 1, 2].map((partition) => ({ partition, offset: '0' }));
    await admin.setOffsets({ groupId, topic: log.topic, partitions });
    await admin.disconnect();
  }
});

function totalOf(ticket: MadeVersion | undefined): { team: string; status: string } {
  const { group_id, status } = JSON.parse(String(ticket?.value)) as {
    group_id: number | null;
    status: string;
  };
  return { team: String(group_id ?? 'none'), status };
}

/** What a trial leaves in the folders; git ignores it. */
function forgetTrials(): void {
  for (const path of ['typescript/node_modules', 'python/.venv']) {
    rmSync(join(examples, path), { recursive: true, force: true });
  }
  forgetTotals();
}

function forgetTotals(): void {
  for (const folder of ['typescript', 'python']) {
    for (const name of ['totals', 'versions']) {
      for (const more of ['', '-wal', '-shm'])
        rmSync(join(examples, folder, `${name}.sqlite${more}`), { force: true });
    }
  }
}
