import { statSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { defaultAuthorization } from '../testing/export-reader.ts';
import { exportUrl, ledgerOf, simulatorFixture } from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('a large page', () => {
  const headers = { authorization: defaultAuthorization };
  const query = 'start_time=0&per_page=45000';

  it('waits for a reader that stands still', async () => {
    const simulator = await fixture.start({ tickets: 45_000, perPageMax: 45_000 });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(exportUrl(simulator, query), { headers, agent: false }, resolve).on('error', reject);
    });
    // Until nothing is written any more: buffers of the system on both sides are full.
    let written = -1;
    await vi.waitFor(
      () => {
        const before = written;
        written = statSync(join(fixture.dataDir, 'ledger')).size / 32;
        expect(written).toBeGreaterThan(0);
        expect(written).toBe(before);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(written).toBeLessThan(15_000);
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(150e6);
    expect(simulator.status().requests).toMatchObject({ pages: 1, tickets: 45_000 });
  }, 60_000);

  it.each(['identity', 'gzip'])('is cut when the simulator stops (%s)', async (coding) => {
    const simulator = await fixture.start({ tickets: 45_000, perPageMax: 45_000 });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { headers: { ...headers, 'accept-encoding': coding }, agent: false as const };
      get(exportUrl(simulator, query), options, resolve).on('error', reject);
    });
    const cut = new Promise<Error>((resolve) => {
      response.once('error', resolve);
    });
    response.once('data', () => response.pause());
    await fixture.stop(simulator);
    response.resume();
    expect((await cut).message).toMatch(/aborted/);
    expect((await ledgerOf(fixture.dataDir)).some((version) => version.whole)).toBe(false);
  });

  it('takes no more memory than a small one', async () => {
    const simulator = await fixture.start({ tickets: 45_000, perPageMax: 45_000 });
    const read = async (perPage: number) => {
      let bytes = 0;
      let peakRss = 0;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const url = exportUrl(simulator, `start_time=0&per_page=${perPage}`);
        get(url, { headers, agent: false }, resolve).on('error', reject);
      });
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        peakRss = Math.max(peakRss, process.memoryUsage.rss());
      }
      return { bytes, peakRss };
    };
    // The first page fills the young generation, compiled code and the ledger's marks.
    await read(3000);
    const small = await read(3000);
    const large = await read(45_000);
    expect(large.bytes).toBeGreaterThan(150e6);
    // Garbage that is not yet collected takes up to 80 MB, whatever the page; the page alone would take 160.
    expect(large.peakRss - small.peakRss).toBeLessThan(110e6);
  }, 60_000);
});
