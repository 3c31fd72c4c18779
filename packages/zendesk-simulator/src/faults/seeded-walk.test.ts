import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Simulator } from '../simulator.ts';
import { askAnyway } from '../testing/export-reader.ts';
import { ledgerOf, simulatorFixture, ticketSlices } from '../testing/simulator-fixture.ts';
import { seededFaults } from './fault-plan.ts';

const fixture = simulatorFixture();
const SEED = 4;

/** What a client must not miss is what a careful one took, whatever went wrong in between. */
it.each(['time', 'cursor'] as const)(
  'a careful reader survives them by %s, has all that the ledger calls whole, and nothing that it lacks',
  async (mode) => {
    const simulator = await fixture.start({
      tickets: 600,
      liveChangesPerMinute: 300,
      delaySeconds: 0,
      faults: seededFaults({ seed: SEED, everyNth: 2 }),
    });
    const taken = await readCarefully(simulator, mode);
    const ledger = await ledgerOf(fixture.dataDir);
    const must = ledger.filter(({ whole }) => whole).map(({ id, digest }) => `${id} ${digest}`);
    const may = new Set(ledger.map(({ id, digest }) => `${id} ${digest}`));
    expect(must.filter((version) => !taken.has(version))).toEqual([]);
    expect([...taken].filter((version) => !may.has(version))).toEqual([]);
    const shown = [...simulator.latest()].filter(({ visible }) => visible);
    expect(shown.filter(({ id, digest }) => !taken.has(`${id} ${digest}`))).toEqual([]);
    expect(shown.length).toBeGreaterThan(600);

    const { faults, requests } = simulator.status();
    expect(Object.keys(faults).length).toBeGreaterThan(8);
    const { total, pages, cut, faulted, refused, rateLimited, tooRecent } = requests;
    expect(pages + cut + faulted + refused + rateLimited + tooRecent).toBe(total);
    expect(refused + rateLimited).toBe(0);
  },
  60_000,
);

async function readCarefully(simulator: Simulator, mode: 'time' | 'cursor'): Promise<Set<string>> {
  const taken = new Set<string>();
  const path = `/api/v2/incremental/tickets${mode === 'time' ? '' : '/cursor'}?per_page=40`;
  let position = 'start_time=0';
  for (let request = 0; request < 120; request++) {
    // Time goes on for a while, and changes with it.
    if (request < 60) simulator.advance(2);
    const compressed = request % 3 === 0;
    const answer = await askAnyway(
      `${simulator.url}${path}&${position}`,
      compressed ? { 'accept-encoding': 'gzip' } : {},
    );
    const page = trusted(answer, mode);
    if (page === undefined) continue;
    for (const slice of page.slices) {
      const { id } = JSON.parse(slice) as { id: number };
      taken.add(`${id} ${createHash('sha256').update(slice).digest('hex').slice(0, 32)}`);
    }
    position = page.next;
  }
  return taken;
}

function trusted(
  { status, headers, body, complete }: Awaited<ReturnType<typeof askAnyway>>,
  mode: 'time' | 'cursor',
): { slices: string[]; next: string } | undefined {
  if (!complete || status !== 200 || !/^application\/json/.test(headers['content-type'] ?? ''))
    return undefined;
  try {
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const page: {
      tickets: object[];
      count?: number;
      end_time?: number | null;
      after_cursor?: string | null;
    } = JSON.parse(text.toString());
    if (page.count !== undefined && page.count !== page.tickets.length) return undefined;
    const next = mode === 'time' ? page.end_time : page.after_cursor;
    if (next === undefined || next === null) return undefined;
    const slices = ticketSlices(text);
    expect(slices).toHaveLength(page.tickets.length);
    const parameter = mode === 'time' ? 'start_time' : 'cursor';
    return { slices, next: `${parameter}=${encodeURIComponent(next)}` };
  } catch {
    return undefined;
  }
}
