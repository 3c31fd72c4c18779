/** A consumer's letters from end to end: the search service sets records aside, and takes them again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { until } from '../support/condition.ts';
import { storedDocument } from '../support/search-api.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { createLetterLog } from './letter-log.ts';

const STAMP = 1_700_000_000;
const ticketJson = (id: number, subject: string) => `{"id":${id},"status":"open","subject":"${subject}"}`;

let log: Awaited<ReturnType<typeof createLetterLog>>;
let search: ServiceProcess<'search'>;
let dataDir: string;
let group: string;

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly times: number;
  readonly ticketId: string | null;
}

async function listed(): Promise<Listed[]> {
  const { stdout } = await runCommand(['dlq', 'list', '--state', 'all', '--json'], log.env);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Listed);
}

const letterOf = async (ticketId: string) => (await listed()).find((letter) => letter.ticketId === ticketId);

async function retry(ticketId: string) {
  return runCommand(['dlq', 'retry', (await letterOf(ticketId))?.id ?? ''], log.env);
}

/** The search service's own letter about a record, as if it had been set aside there. */
async function setAside(
  id: number,
  subject: string,
  place: { partition: number; offset: bigint },
  stamp = STAMP,
) {
  const bytes = Buffer.from(ticketJson(id, subject));
  const { logId, source } = log.publisher.checkpoint;
  const event = { ticketId: String(id), kind: 'changed', stamp, source, logId } as const;
  await log.writer.write([
    {
      ...{ code: 'record.invalid_value', cause: 'a defect that is mended now', bytes },
      origin: {
        kind: 'record',
        ...{ group, topic: log.tickets, ...place, recordKey: Buffer.from(String(id)) },
        headers: encodeEventHeaders({ ...event, digest: ticketDigest(bytes) }),
      },
    },
  ]);
}

let places: Map<string, { partition: number; offset: bigint }>;
const placeOf = (id: string) => places.get(id) ?? { partition: -1, offset: 0n };

beforeAll(async () => {
  log = await createLetterLog('consumer-letters');
  dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-test-'));
  search = new ServiceProcess('search', dataDir, { KAFKA_BROKERS: log.brokers, TICKETS_TOPIC: log.tickets });
  const poison = new Map([['5', Buffer.from('{"id":5')]]);
  for (const id of [1, 2, 3]) poison.set(String(id), Buffer.from(ticketJson(id, 'as exported')));
  places = await log.publish(poison);
  search.start();
  await search.until('the poison set aside', ({ books }) => books.deadLettered === 1 && books.applied === 3);
  const { stdout } = await runCommand(['dlq', 'list', '--json'], log.env);
  group = (JSON.parse(stdout) as { origin: { group: string } }).origin.group;
});
afterAll(async () => {
  await search.stop();
  await log[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const consumed = () => search.progress?.books.consumed ?? 0;

describe("a retry of a consumer's letter", () => {
  it('that still cannot work is the letter once more', async () => {
    const { stdout, exitCode } = await retry('5');
    expect(stdout).toContain('failed again');
    expect(exitCode).toBe(5);
    expect(await letterOf('5')).toMatchObject({ state: 'open', times: 2 });
  });

  it('is applied through the normal path, and counted', async () => {
    const before = consumed();
    await setAside(9, 'applied late', { ...placeOf('1'), offset: placeOf('1').offset + 1_000n });
    const { stdout, exitCode } = await retry('9');
    expect([stdout.split('\n').at(-2), exitCode]).toEqual(['1 applied.', 0]);
    expect(JSON.stringify(await storedDocument(search.url ?? '', 9))).toContain('applied late');
    await search.until('it counted', ({ books }) => books.consumed === before + 1);
    const { consumed: all, applied, duplicate, stale, skipped, deadLettered } = search.progress?.books ?? {};
    expect(Number(applied) + Number(duplicate) + Number(stale) + Number(skipped) + Number(deadLettered)).toBe(
      all,
    );
  });

  it('of what is stored already is a duplicate; of what is older than what is stored by now, stale', async () => {
    await setAside(1, 'as exported', placeOf('1'));
    expect((await retry('1')).stdout).toMatch(/\n1 duplicate\.\n$/);
    await setAside(2, 'an older one', placeOf('2'), STAMP - 1);
    expect((await retry('2')).stdout).toMatch(/\n1 stale\.\n$/);
    expect(JSON.stringify(await storedDocument(search.url ?? '', 2))).toContain('as exported');
  });

  it('waits for a group that is stopped, and is taken when it runs again', async () => {
    await search.stop();
    await setAside(10, 'taken later', { ...placeOf('1'), offset: placeOf('1').offset + 1_001n });
    const { stdout, stderr } = await retry('10');
    expect(stderr).toContain(`No member of ${group} runs now`);
    expect(stdout).toContain('1 on the way.');
    search.start();
    await until('the outcome', async () => (await letterOf('10'))?.state === 'applied');
  });
});
