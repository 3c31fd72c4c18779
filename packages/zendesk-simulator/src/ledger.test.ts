import { appendFileSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readServedPages } from './ledger.ts';
import type { Simulator } from './simulator.ts';
import { ask, defaultAuthorization } from './testing/export-reader.ts';
import {
  digest,
  exportUrl,
  firstStart,
  ledgerOf,
  simulatorFixture,
  ticketSlices,
} from './testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('the ledger', () => {
  it('has every version that was served, once, over restarts', async () => {
    const first = await fixture.start({ delaySeconds: 0 });
    const served = new Set<string>();
    const read = async (simulator: Simulator) => {
      const { body } = await ask(exportUrl(simulator));
      for (const slice of ticketSlices(body)) served.add(`${JSON.parse(slice).id} ${digest(slice)}`);
    };
    await read(first);
    await read(first);
    first.change(1, { subject: 'one' });
    first.advance(1);
    await read(first);
    await fixture.stop(first);
    const second = await fixture.start({ delaySeconds: 0, frozen: firstStart + 5 });
    await read(second);
    second.change(1, { subject: 'two' });
    second.advance(1);
    await read(second);
    const ledger = await ledgerOf(fixture.dataDir);
    expect(ledger).toHaveLength(122);
    expect(new Set(ledger.map((version) => `${version.id} ${version.digest}`))).toEqual(served);
    expect(ledger.every((version) => version.whole)).toBe(true);
    expect(second.status().versionsServed).toBe(122);
    const lines = (await ask(`${second.url}/simulator/ledger`, {})).body.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(ledger);
  });

  it('tells what only a page showed that was cut, until a whole page shows it', async () => {
    const simulator = await fixture.start({ tickets: 12_000, perPageMax: 12_000, delaySeconds: 0 });
    const query = 'start_time=0&per_page=12000';
    await new Promise<void>((resolve) => {
      get(
        exportUrl(simulator, query),
        { headers: { authorization: defaultAuthorization }, agent: false },
        (response) => {
          response.once('data', () => response.destroy());
          response.once('close', () => resolve());
        },
      );
    });
    await vi.waitFor(() => expect(simulator.status().requests.cut).toBe(1));
    const cut = await ledgerOf(fixture.dataDir);
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.length).toBeLessThan(12_000);
    expect(cut.every((version) => !version.whole)).toBe(true);
    await ask(exportUrl(simulator, query));
    const whole = (await ledgerOf(fixture.dataDir)).filter((version) => version.whole);
    expect(whole).toHaveLength(12_000);
  });

  it('drops a record that was cut off, and nothing else', async () => {
    const first = await fixture.start();
    await ask(exportUrl(first));
    await fixture.stop(first);
    const before = await ledgerOf(fixture.dataDir);
    appendFileSync(join(fixture.dataDir, 'ledger'), Buffer.from([1, 0, 9]));
    const second = await fixture.start();
    await ask(exportUrl(second));
    expect(await ledgerOf(fixture.dataDir)).toEqual(before);
    expect(statSync(join(fixture.dataDir, 'ledger')).size % 32).toBe(0);
  });
});

describe('the ledger of every showing', () => {
  it('tells of each page what it showed, the number of which its answer had', async () => {
    const simulator = await fixture.start({ delaySeconds: 0, ledgerOfEveryShowing: true });
    const shown = new Map<number, string[]>();
    for (const start of [0, 0, firstStart - 40_000_000]) {
      const { headers, body } = await ask(exportUrl(simulator, `start_time=${start}&per_page=20`));
      const versions = ticketSlices(body).map((slice) => `${JSON.parse(slice).id} ${digest(slice)}`);
      shown.set(Number(headers['x-simulator-page']), versions);
    }
    const pages = readServedPages(fixture.dataDir);
    expect(pages.map(({ whole, mode }) => [whole, mode])).toEqual(pages.map(() => [true, 'time']));
    const ledger = pages.map(({ page, versions }) => [
      page,
      versions.map(({ id, digest }) => `${id} ${digest}`),
    ]);
    expect(new Map(ledger as [number, string[]][])).toEqual(shown);
    expect(await ledgerOf(fixture.dataDir)).toHaveLength(new Set([...shown.values()].flat()).size);
    await fixture.stop(simulator);
  });
});
