import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { search, storedDocument } from '../support/search-api.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { createSystem } from '../support/system.ts';

const TICKETS = 300;

/** As a stranger's web page would reach this machine: by a name that it made to point here. */
function statusFor(url: string, host: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
}

it('two searches are two full indexes; one begun anew reads everything again; a kill costs and repeats nothing', async () => {
  await using system = await createSystem({ name: 'searches', simulator: { tickets: TICKETS } });
  const { simulator, producer, search: first, alerting, dataDir, env } = system;
  const second = new ServiceProcess('search', join(dataDir, 'second'), {
    ...env,
    // For it the index must give stored tickets back.
    EXCLUDE_SYSTEM_UPDATES: 'true',
    SEARCH_ALLOWED_HOSTS: 'search.acme.internal',
  });
  try {
    producer.start();
    first.start();
    second.start();
    alerting.start();
    const indexed = TICKETS;
    for (const each of [first, second]) {
      await each.until('everything', (progress) => progress.caughtUp && progress.indexed === indexed);
      expect((await search(each.url ?? '', '', 1)).total).toBeGreaterThan(0);
    }

    // What it had stored is not indexed again, whether or not the kill fell before its offset was committed.
    await first.kill();
    const { id } = simulator.create({ status: 'open', subject: 'A zeppelin over the moor' });
    first.start();
    await first.until('the new ticket', (progress) => progress.indexed === indexed + 1 && progress.lag === 0);
    expect(first.progress?.books).toMatchObject({ applied: 1, stale: 0, deadLettered: 0 });
    expect(await storedDocument(first.url ?? '', id)).toMatchObject({ ticket: { id } });

    // An index that was deleted: another id, another group, the log from its start.
    expect(await second.stop()).toBe(0);
    rmSync(join(dataDir, 'second', 'search'), { recursive: true });
    second.start();
    await second.until('everything again', (progress) => progress.caughtUp && progress.lag === 0);
    expect(second.progress).toMatchObject({ indexed: indexed + 1 });
    expect((await search(second.url ?? '', 'zeppelin')).hits.map((hit) => hit.id)).toEqual([id]);

    await alerting.until('caught up', ({ caughtUp }) => caughtUp);
    for (const [service, path] of [
      [first, '/search?q=zeppelin'],
      [first, `/tickets/${id}`],
      [first, '/status'],
      [alerting, '/alerts'],
      [alerting, '/status'],
      [producer, '/status'],
    ] as const) {
      const statuses = ['localhost', 'evil.example'].map((host) => statusFor(service.url ?? '', host, path));
      expect([path, ...(await Promise.all(statuses))]).toEqual([path, 200, 403]);
    }
    expect(await statusFor(second.url ?? '', 'search.acme.internal', '/status')).toBe(200);
    expect(await statusFor(first.url ?? '', 'search.acme.internal', '/status')).toBe(403);
  } finally {
    await second.stop();
  }
});
