import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fc, it as property } from '@fast-check/vitest';
import { booksBalance, emptyBooks } from '@ticket-stream/subscriber';
import { compareToStored, type TicketChange } from '@ticket-stream/ticket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertId } from './alert.ts';
import { AlertDatabase } from './alert-database.ts';
import { AlertState } from './alert-state.ts';
import { raiseAlerts } from './raise-alerts.ts';
import {
  LOG_ID,
  recordingLogger,
  rulesOf,
  START_SECOND,
  sampleChange,
  stepOf,
  temporaryFolder,
} from './testing/samples.ts';

const rules = rulesOf({ raised: `ticket.priority == 'urgent' && previous.priority != 'urgent'` });
const nowMs = START_SECOND * 1000;

let folder: ReturnType<typeof temporaryFolder>;
let state: AlertState;

beforeEach(() => {
  folder = temporaryFolder();
  state = AlertState.open({ folder: folder.path, nowMs: () => nowMs });
});
afterEach(async () => {
  await state.close();
  folder.remove();
});

async function reopen(): Promise<void> {
  await state.close();
  state = AlertState.open({ folder: folder.path, nowMs: () => nowMs + 3_600_000 });
}

function raiser(of = state) {
  return raiseAlerts({
    rules,
    state: of,
    channels: ['log', 'webhook'],
    eventAgeMaxSeconds: 6 * 3600,
    logger: recordingLogger(),
    nowMs: () => nowMs,
  });
}

const calm = sampleChange({ stampAfter: 5, offset: 1n });
const raise = sampleChange({
  stampAfter: 10,
  offset: 2n,
  ticket: { priority: 'urgent' },
  previous: calm.ticket,
});

/** Everything that a step may change, as it is on disk. */
function contents() {
  return {
    positions: state.readPositions(),
    books: state.readBooks(),
    versions: [...state.readVersions(['7', '8'])],
    tickets: [...state.readTickets(['7', '8'])],
    history: state.ledger.history({ limit: 100 }),
    due: state.ledger.dueDeliveries('webhook', Number.MAX_SAFE_INTEGER, 100),
  };
}

describe('the alert store, as a version store', () => {
  it('is empty when it is made', () => {
    expect(contents()).toEqual({
      positions: [],
      books: emptyBooks,
      versions: [],
      tickets: [],
      history: [],
      due: [],
    });
  });

  it('keeps versions, positions, books and documents over a restart, offsets beyond 2^53 exact', async () => {
    const far = sampleChange({ offset: 9_007_199_254_740_993n, ticket: { subject: 'é😀' } });
    await state.record(stepOf([far], 9_007_199_254_740_995n), () => state.save(far, []));
    await reopen();
    expect(state.readPositions()).toEqual([
      { partition: 0, logId: LOG_ID, nextOffset: 9_007_199_254_740_995n },
    ]);
    expect(state.readVersions(['7', '9'])).toEqual(new Map([['7', far.version]]));
    expect(state.readTickets(['7', '9'])).toEqual(new Map([['7', far.ticket]]));
    expect(state.readBooks()).toEqual({ ...emptyBooks, consumed: 1, applied: 1 });
  });

  it('keeps the newest version and document of a ticket, which the next change is compared with', async () => {
    await state.record(stepOf([calm], 2n), () => state.save(calm, []));
    await state.record(stepOf([raise], 3n), () => state.save(raise, []));
    expect(state.readTickets(['7'])).toEqual(new Map([['7', raise.ticket]]));
    expect(state.readVersions(['7'])).toEqual(new Map([['7', raise.version]]));
  });

  it('adds books up and moves positions also in a step without changes', async () => {
    await state.record(stepOf([calm], 2n), () => state.save(calm, []));
    const repeats = { ...emptyBooks, consumed: 3, duplicate: 2, stale: 1 };
    await state.record(
      { versions: new Map(), positions: [{ partition: 0, logId: LOG_ID, nextOffset: 5n }], books: repeats },
      () => {},
    );
    expect(state.readBooks()).toEqual({ ...emptyBooks, consumed: 4, applied: 1, duplicate: 2, stale: 1 });
    expect(booksBalance(state.readBooks())).toBe(true);
    expect(state.readPositions()).toEqual([{ partition: 0, logId: LOG_ID, nextOffset: 5n }]);
  });

  it('takes positions of a log made again', async () => {
    const otherLog = '99999999-2222-4333-8444-555555555555';
    await state.record(stepOf([calm], 20n), () => state.save(calm, []));
    await state.record(
      {
        versions: new Map(),
        positions: [{ partition: 0, logId: otherLog, nextOffset: 1n }],
        books: emptyBooks,
      },
      () => {},
    );
    expect(state.readPositions()).toEqual([{ partition: 0, logId: otherLog, nextOffset: 1n }]);
    expect(state.readVersions(['7']).get('7')?.place.logId).toBe(LOG_ID);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the effect failed');
      },
    ],
    [
      'rejects',
      async () => {
        await Promise.resolve();
        throw new Error('the effect failed');
      },
    ],
  ])('stores nothing of a step whose effect %s, and lets the error through', async (_, fail) => {
    const empty = contents();
    const { handle } = raiser();
    await expect(
      state.record(stepOf([raise], 3n), () => {
        handle([raise]);
        return fail();
      }),
    ).rejects.toThrow('the effect failed');
    expect(contents()).toEqual(empty);
    await state.record(stepOf([raise], 3n), () => handle([raise]));
    expect(state.ledger.history({ limit: 9 })).toHaveLength(1);
  });

  it('shows readers nothing of a step before it is committed', async () => {
    const inside = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const empty = contents();
    const recorded = state.record(stepOf([raise], 3n), async () => {
      raiser().handle([raise]);
      inside.resolve();
      await go.promise;
    });
    await inside.promise;
    expect(contents()).toEqual(empty);
    go.resolve();
    await recorded;
    expect(contents().due).toHaveLength(1);
  });

  it('lets other writers wait for the step that is under way', async () => {
    const { handle } = raiser();
    await state.record(stepOf([raise], 3n), () => handle([raise]));
    const [delivery] = state.ledger.dueDeliveries('webhook', nowMs, 1);
    if (delivery === undefined) throw new Error('nothing is due');
    const order: string[] = [];
    const go = Promise.withResolvers<void>();
    const failing = state
      .record(stepOf([], 4n), async () => {
        await go.promise;
        throw new Error('rolled back');
      })
      .catch(() => order.push('step'));
    const settled = state.ledger
      .settleDelivery(delivery, { state: 'delivered', status: 200 }, nowMs)
      .then(() => order.push('settled'));
    go.resolve();
    await Promise.all([failing, settled]);
    expect(order).toEqual(['step', 'settled']);
    expect(state.ledger.counts()).toMatchObject({ delivered: 1 });
  });

  it('refuses to save outside a step', () => {
    expect(() => state.save(calm, [])).toThrow(expect.objectContaining({ code: 'internal.defect' }));
  });
});

describe('the alert store, as a ledger of alerts', () => {
  it('keeps an alert and one outbox row a channel in the step of its version', async () => {
    const fired: string[] = [];
    state.onFired((alerts) => fired.push(...alerts.map(({ alertId: id }) => id)));
    await state.record(stepOf([raise], 3n), () => raiser().handle([raise]));
    const id = alertId('raised', raise);
    expect(id).toMatch(/^alert_[0-9a-f]{40}$/);
    expect(fired).toEqual([id]);
    await reopen();
    expect(state.ledger.history({ limit: 10 })).toMatchObject([
      {
        alertId: id,
        rule: 'raised',
        ticketId: '7',
        outcome: 'fired',
        reason: undefined,
        traceId: raise.traceId,
        deliveries: [
          { channel: 'log', state: 'pending' },
          { channel: 'webhook', state: 'pending' },
        ],
      },
    ]);
    const [delivery] = state.ledger.dueDeliveries('webhook', nowMs, 10);
    expect(JSON.parse(delivery?.body ?? '')).toMatchObject({
      type: 'ticket.alert',
      timestamp: '2026-11-01T12:00:10Z',
      data: {
        rule: 'raised',
        severity: 'warning',
        ticket: { id: '7', priority: 'urgent', url: 'https://acme.zendesk.com/agent/tickets/7' },
        changed: expect.arrayContaining(['priority']),
        previous: { priority: 'normal' },
        trace_id: raise.traceId,
      },
    });
  });

  it('makes no second alert of the same version, not even when it is decided again', async () => {
    const { handle } = raiser();
    const fired: unknown[] = [];
    state.onFired((alerts) => fired.push(...alerts));
    await state.record(stepOf([raise], 3n), () => handle([raise]));
    const first = contents();
    await state.record({ ...stepOf([raise], 3n), books: emptyBooks }, () => handle([raise, raise]));
    expect(contents()).toEqual(first);
    expect(fired).toHaveLength(1);
  });

  it('remembers its first start and that it caught up', async () => {
    expect([state.firstStartedAtMs, state.hasCaughtUp]).toEqual([nowMs, false]);
    await reopen();
    expect([state.firstStartedAtMs, state.hasCaughtUp]).toEqual([nowMs, false]);
    await state.markCaughtUp(nowMs);
    expect(state.hasCaughtUp).toBe(true);
    await reopen();
    expect([state.firstStartedAtMs, state.hasCaughtUp]).toEqual([nowMs, true]);
  });

  it('a store built anew from an old log sends nothing for what was published before its first start', async () => {
    const old = [
      sampleChange({ stampAfter: -20, offset: 1n }),
      sampleChange({ stampAfter: -10, offset: 2n, ticket: { priority: 'urgent' } }),
    ];
    const { handle } = raiser();
    for (const change of old) {
      const previous = state.readTickets([change.ticketId]).get(change.ticketId);
      await state.record(stepOf([change], 3n), () => handle([{ ...change, previous }]));
    }
    expect(state.ledger.history({ limit: 10 })).toMatchObject([
      { outcome: 'suppressed', reason: 'history', deliveries: [] },
    ]);
    expect(contents().due).toEqual([]);
  });

  it('gives the history newest first, page by page, by state', async () => {
    const { handle } = raiser();
    for (let id = 1; id <= 5; id++) {
      const was = sampleChange({ id, stampAfter: 5 }).ticket;
      const publishedAfter = id % 2 === 0 ? 7 * 3600 : 10;
      const change = sampleChange({ id, ticket: { priority: 'urgent' }, previous: was, publishedAfter });
      await state.record(stepOf([change], BigInt(id)), () => handle([change]));
    }
    const ids = (entries: readonly { ticketId: string }[]) => entries.map(({ ticketId }) => ticketId);
    const first = state.ledger.history({ limit: 2 });
    expect(ids(first)).toEqual(['5', '4']);
    expect(ids(state.ledger.history({ limit: 9, before: first.at(-1)?.seq }))).toEqual(['3', '2', '1']);
    expect(ids(state.ledger.history({ limit: 9, state: 'suppressed' }))).toEqual(['4', '2']);
    const [due] = state.ledger.dueDeliveries('webhook', nowMs, 1);
    if (due === undefined) throw new Error('nothing is due');
    await state.ledger.settleDelivery(
      due,
      { state: 'dead', status: 500, cause: 'the receiver answered 500' },
      nowMs,
    );
    expect(ids(state.ledger.history({ limit: 9, state: 'dead' }))).toEqual(['1']);
    expect(ids(state.ledger.history({ limit: 2, state: 'pending' }))).toEqual(['5', '3']);
    expect(state.ledger.counts()).toEqual({ fired: 3, suppressed: 2, pending: 5, delivered: 0, dead: 1 });
  });

  it('keeps only the newest suppressed decisions, and every fired one', async () => {
    await state.close();
    state = AlertState.open({ folder: folder.path, nowMs: () => nowMs, suppressedKept: 10 });
    const { handle } = raiser();
    for (let id = 1; id <= 30; id++) {
      const was = sampleChange({ id, stampAfter: 5 }).ticket;
      const publishedAfter = id === 1 ? 10 : 7 * 3600;
      const change = sampleChange({ id, ticket: { priority: 'urgent' }, previous: was, publishedAfter });
      await state.record(stepOf([change], BigInt(id)), () => handle([change]));
    }
    expect(state.ledger.counts()).toMatchObject({ fired: 1, suppressed: 10 });
  });
});

describe('the alert store, on disk', () => {
  it('is readable for its owner only', async () => {
    const made = join(folder.path, 'made');
    await AlertState.open({ folder: made }).close();
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(statSync(join(made, 'alerts.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('outlives a power cut with all that it reported as stored', () => {
    const database = new AlertDatabase(join(folder.path, 'other.sqlite'));
    const FULL = 2;
    expect(database.ownRow('PRAGMA synchronous')).toEqual({ synchronous: FULL });
    database.close();
  });

  it('refuses a second opener', () => {
    expect(() => AlertState.open({ folder: folder.path })).toThrow(
      expect.objectContaining({ code: 'store.locked', exitCode: 4 }),
    );
  });

  it('is free again in the moment its holder is killed', async () => {
    await state.close();
    const script = `
      const { AlertState } = await import(${JSON.stringify(new URL('./alert-state.ts', import.meta.url).href)});
      AlertState.open({ folder: ${JSON.stringify(folder.path)} });
      process.stdout.write('open');
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      expect(() => AlertState.open({ folder: folder.path })).toThrow(
        expect.objectContaining({ code: 'store.locked' }),
      );
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    state = AlertState.open({ folder: folder.path });
  });

  it('refuses a store of another version, another database and a damaged file', async () => {
    await state.close();
    const path = join(folder.path, 'alerts.sqlite');
    const unusable = expect.objectContaining({ code: 'store.unusable', exitCode: 5 });
    const open = () => AlertState.open({ folder: folder.path });
    const foreign = new DatabaseSync(path);
    foreign.exec('PRAGMA user_version = 99');
    foreign.close();
    expect(open).toThrow(unusable);
    const other = temporaryFolder();
    const database = new DatabaseSync(join(other.path, 'alerts.sqlite'));
    database.exec('CREATE TABLE mine (a)');
    database.close();
    expect(() => AlertState.open({ folder: other.path })).toThrow(unusable);
    other.remove();
    writeFileSync(path, 'this is not a database, it only has the name of one');
    execFileSync('rm', ['-f', `${path}-wal`, `${path}-shm`]);
    expect(open).toThrow(unusable);
    folder.remove();
    state = AlertState.open({ folder: folder.path });
  });
});

/** A ticket's life: versions in the order of the log; which of them are urgent decides which fire. */
const lives = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 4 }),
    priority: fc.constantFrom('normal', 'urgent'),
    subject: fc.constantFrom('a', 'b'),
  }),
  { minLength: 1, maxLength: 15 },
);

function logOf(life: readonly { id: number; priority: string; subject: string }[]): TicketChange[] {
  return life.map(({ id, priority, subject }, at) =>
    sampleChange({
      id,
      ticket: { priority, subject },
      stampAfter: 1 + at,
      createdAfter: 1,
      offset: BigInt(at),
    }),
  );
}

/** What the subscriber does with one batch: dedupe by the stored version, previous from the store. */
async function consume(batch: readonly TicketChange[], into: AlertState): Promise<void> {
  const { handle } = raiser(into);
  for (const change of batch) {
    const stored = into.readVersions([change.ticketId]).get(change.ticketId);
    if (compareToStored(stored, change.version) !== 'fresh') continue;
    const previous = into.readTickets([change.ticketId]).get(change.ticketId);
    await into.record({ ...stepOf([change]), positions: [] }, () => handle([{ ...change, previous }]));
  }
}

async function idsAfter(records: readonly TicketChange[]): Promise<string[]> {
  const own = temporaryFolder();
  const fresh = AlertState.open({ folder: own.path, nowMs: () => nowMs });
  try {
    await consume(records, fresh);
    return fresh.ledger.history({ limit: 1000 }).map((entry) => entry.alertId);
  } finally {
    await fresh.close();
    own.remove();
  }
}

describe('delivery ids', () => {
  property.prop([lives, fc.array(fc.tuple(fc.nat(14), fc.nat(14)), { maxLength: 5 })], { numRuns: 15 })(
    'are the same set for a log read once and for one read again from anywhere, any number of times',
    async (life, replays) => {
      const log = logOf(life);
      const repeated = [...log];
      for (const [from, to] of replays) repeated.push(...log.slice(Math.min(from, to), Math.max(from, to)));
      const once = await idsAfter(log);
      const again = await idsAfter(repeated);
      expect(new Set(again)).toEqual(new Set(once));
      expect(again).toHaveLength(once.length);
      expect(new Set(once).size).toBe(once.length);
    },
    60_000,
  );

  property.prop([lives, fc.infiniteStream(fc.nat(3))], { numRuns: 15 })(
    'do not depend on how the partitions of different tickets are interleaved',
    async (life, picks) => {
      const log = logOf(life);
      const queues = [1, 2, 3, 4].map((id) => log.filter(({ ticketId }) => ticketId === String(id)));
      const interleaved: TicketChange[] = [];
      for (const pick of picks) {
        const queue = queues[pick]?.length ? queues[pick] : queues.find(({ length }) => length > 0);
        const next = queue?.shift();
        if (next === undefined) break;
        interleaved.push(next);
      }
      expect(new Set(await idsAfter(interleaved))).toEqual(new Set(await idsAfter(log)));
    },
    60_000,
  );

  property.prop([lives, fc.array(fc.nat(14), { maxLength: 40 })], { numRuns: 15 })(
    'are unique and only of versions that were in the log, in whatever order its records come',
    async (life, order) => {
      const log = logOf(life);
      const shuffled = order.flatMap((at) => log.slice(at, at + 1));
      const possible = new Set(log.map((change) => alertId('raised', change)));
      const ids = await idsAfter(shuffled);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => !possible.has(id))).toEqual([]);
    },
    60_000,
  );
});
