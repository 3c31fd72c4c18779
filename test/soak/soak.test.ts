import { expect, it } from 'vitest';
import { runSoak } from './soak.ts';

const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);

it(`nothing is lost, copied or out of order, whatever is killed and cut; seed ${seed}`, async ({
  annotate,
}) => {
  const result = await runSoak(
    {
      seed,
      tickets: 3_000,
      lastPerPage: 25,
      cursorPages: 15,
      burst: 300,
      randomKills: 6,
      brokerEvents: 1,
      workMsMax: 600,
      perPages: [10, 25, 60, 120],
      liveChangesPerMinute: 300,
      changes: { changesPerTick: 1, bulkTickets: 80 },
      msMax: 300_000,
    },
    () => {},
  );
  const { violations, ...figures } = result;
  await annotate(JSON.stringify(figures));
  expect(violations).toEqual([]);
  expect(figures).toMatchObject({ missing: 0, invented: 0, copies: 0, outOfOrder: 0, leftBehind: 0 });
  expect(figures.pagesCommitted.time).toBeGreaterThan(0);
  expect(figures.pagesCommitted.cursor).toBeGreaterThan(0);
});
