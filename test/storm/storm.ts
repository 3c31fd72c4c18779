/**
 * A rebalance storm: members of one group come and go every two seconds while records flow, all on one SQLite version
 * store. Each effect is one durable line in a table, so that afterwards, ticket by ticket, what took place can be
 * compared with what the log demands: nothing lost, nothing twice, no step back.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { addBooks, type Books, emptyBooks, sqliteVersionStore } from '@ticket-stream/subscriber';
import { type ChangeFlow, changeFlow, versionName } from '../support/change-flow.ts';
import { until } from '../support/condition.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { hasReached, storedPositions } from '../support/store-positions.ts';
import { openTicketsLog, type TicketsLog } from '../support/tickets-log.ts';
import { type EffectFaults, findFaults } from './effect-log.ts';
import { Member } from './member.ts';

export interface StormSettings {
  readonly brokers: string;
  readonly topic: string;
  readonly seed: number;
  readonly records: number;
  readonly tickets: number;
  /** The records flow, evenly, for so long, and so long members come and go. */
  readonly seconds: number;
  readonly everyMs: number;
  readonly members: number;
}

export interface StormResult {
  readonly seed: number;
  readonly records: number;
  readonly seconds: number;
  readonly joins: number;
  readonly leaves: number;
  /** Members that have applied something. */
  readonly membersAtWork: number;
  readonly fresh: number;
  readonly effects: number;
  readonly faults: EffectFaults;
  /** Of the shared store's life. */
  readonly books: Books;
  /** The sum of what the members counted, each in its own memberships. */
  readonly booksOfMembers: Books;
  /** Tickets whose stored version is not the one applied last. */
  readonly versionsOff: number;
}

const PAGES_A_SECOND = 2;

export async function runStorm(settings: StormSettings, say: (line: string) => void): Promise<StormResult> {
  const { brokers, topic, seed, seconds } = settings;
  const dir = mkdtempSync(join(tmpdir(), 'storm-'));
  const storeFile = join(dir, 'versions.sqlite');
  const effectFile = join(dir, 'effects.sqlite');
  const log = await openTicketsLog(brokers, topic);
  const store = sqliteVersionStore({ path: storeFile });
  const group = `${topic}.storm`;
  const members = Array.from(
    { length: settings.members },
    (_, n) => new Member({ name: `member ${n + 1}`, brokers, topic, group, storeFile, effectFile }),
  );
  const flow = changeFlow({
    seed,
    tickets: settings.tickets,
    firstStamp: Math.floor(Date.now() / 1000) - 86_400,
  });
  try {
    const flowing = publishEvenly(log, flow, settings);
    const storm = await comeAndGo(members, settings, say);
    await flowing;
    say(`${settings.records} records published; ${storm.joins} joins, ${storm.leaves} leaves`);

    const ends = await log.recordEnds(await log.ends());
    await until(
      'everything stored',
      async () => {
        for (const { name, failure } of members)
          if (failure !== undefined) throw new Error(`${name}: ${failure}`);
        return hasReached(await storedPositions(store), ends);
      },
      180_000,
    ).catch(async (error: unknown) => {
      throw new Error(whatIsLeft(ends, await storedPositions(store), members), { cause: error });
    });
    let booksOfMembers = storm.books;
    for (const member of members.filter(({ joined }) => joined)) {
      await member.leave();
      booksOfMembers = addBooks(booksOfMembers, member.books);
    }
    const found = findFaults(effectFile, flow.expected);
    return {
      seed,
      records: settings.records,
      seconds,
      joins: storm.joins,
      leaves: storm.leaves,
      membersAtWork: found.members,
      fresh: flow.fresh,
      effects: found.effects,
      faults: found.faults,
      books: await store.readBooks(),
      booksOfMembers,
      versionsOff: await versionsOff(store, flow),
    };
  } finally {
    await Promise.all(members.map((member) => member.kill()));
    await store.close();
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** For a storm that does not end: which partitions are behind, and what the members say. */
function whatIsLeft(
  ends: ReadonlyMap<number, bigint>,
  stored: ReadonlyMap<number, bigint>,
  members: readonly Member[],
): string {
  const left = [...ends]
    .filter(([partition, end]) => (stored.get(partition) ?? 0n) < end)
    .map(([partition, end]) => `partition ${partition} at ${stored.get(partition)} of ${end}`);
  const there = members.map(({ name, joined, partitions, waiting }) =>
    joined ? `${name} has ${partitions}, waits for ${waiting ?? 'nothing'}` : `${name} is away`,
  );
  return `${left.join(', ')}; ${there.join('; ')}`;
}

async function publishEvenly(log: TicketsLog, flow: ChangeFlow, settings: StormSettings): Promise<void> {
  const pages = settings.seconds * PAGES_A_SECOND;
  const startedAtMs = performance.now();
  let published = 0;
  for (let page = 1; page <= pages; page++) {
    const upTo = Math.round((settings.records * page) / pages);
    await log.publish(flow.next(upTo - published));
    published = upTo;
    const dueMs = startedAtMs + (page * 1_000) / PAGES_A_SECOND;
    await wait(Math.max(0, dueMs - performance.now()));
  }
}

/** One member comes or goes every `everyMs`, by the dice; one at least is always there. */
async function comeAndGo(members: readonly Member[], settings: StormSettings, say: (line: string) => void) {
  const random = seededRandom(settings.seed);
  const endMs = performance.now() + settings.seconds * 1_000;
  let joins = 0;
  let leaves = 0;
  let books = emptyBooks;
  const leaving: Promise<void>[] = [];
  for (let step = 0; performance.now() < endMs; step++) {
    const there = members.filter(({ joined }) => joined);
    const away = members.filter(({ joined, leaving }) => !joined && !leaving);
    const goes = there.length > 1 && (away.length === 0 || random() < 0.5);
    const from = goes ? there : away;
    const member = from[Math.floor(random() * from.length)];
    if (member !== undefined) {
      if (goes) {
        leaves++;
        leaving.push(
          member.leave().then(() => {
            books = addBooks(books, member.books);
          }),
        );
      } else {
        joins++;
        member.join();
      }
      if (step % 10 === 0) say(`${joins} joins, ${leaves} leaves; there: ${there.map(({ name }) => name)}`);
    }
    await wait(settings.everyMs);
  }
  await Promise.all(leaving);
  return { joins, leaves, books };
}

async function versionsOff(
  store: ReturnType<typeof sqliteVersionStore>,
  { expected }: ChangeFlow,
): Promise<number> {
  const stored = await store.readVersions([...expected.keys()]);
  let off = 0;
  for (const [id, names] of expected) {
    const version = stored.get(id);
    if (version === undefined || versionName(version.stamp, version.digest) !== names.at(-1)) off++;
  }
  return off;
}
