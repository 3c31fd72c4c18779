import { DatabaseSync } from 'node:sqlite';
import type { TicketChange } from '@ticket-stream/ticket';
import { versionName } from '../support/change-flow.ts';

/**
 * Effects of the members of a group, in the order in which they took place: a table that all of them append to, each
 * call of a handler in a transaction of its own. Durable, so that what a killed member did is seen as well.
 */
export interface EffectLog {
  append(member: string, changes: readonly TicketChange[]): void;
  close(): void;
}

export function openEffectLog(file: string): EffectLog {
  const database = new DatabaseSync(file, { timeout: 30_000 });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS effects (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, member TEXT NOT NULL, ticket_id TEXT NOT NULL, stamp INTEGER NOT NULL,
      digest TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL
    ) STRICT`);
  const insert = database.prepare(
    'INSERT INTO effects (member, ticket_id, stamp, digest, part, offset) VALUES (?, ?, ?, ?, ?, ?)',
  );
  return {
    append(member, changes) {
      database.exec('BEGIN IMMEDIATE');
      for (const { ticketId, version } of changes) {
        const { stamp, digest, place } = version;
        insert.run(member, ticketId, stamp, digest, place.partition, place.offset);
      }
      database.exec('COMMIT');
    },
    close: () => database.close(),
  };
}

export interface EffectFaults {
  /** Versions that had to be applied and were not. */
  readonly lost: number;
  /** Effects of a version that had been applied already. */
  readonly twice: number;
  /** Effects that took a ticket to an offset below the one it was at. */
  readonly backward: number;
  /** Effects of what had not to be applied at all. */
  readonly unexpected: number;
  /** Tickets whose last effect is not their last version. */
  readonly lastOff: number;
  /** The first few, in words. */
  readonly examples: readonly string[];
}

export const noFaults: EffectFaults = {
  lost: 0,
  twice: 0,
  backward: 0,
  unexpected: 0,
  lastOff: 0,
  examples: [],
};

const EXAMPLES_MAX = 10;

/** Compares the effects that took place with those that had to, ticket by ticket, each in the order they took place. */
export function findFaults(
  file: string,
  expected: ReadonlyMap<string, readonly string[]>,
): { readonly effects: number; readonly members: number; readonly faults: EffectFaults } {
  const counts = { lost: 0, twice: 0, backward: 0, unexpected: 0, lastOff: 0 };
  const examples: string[] = [];
  const fault = (kind: keyof typeof counts, what: string) => {
    counts[kind]++;
    if (examples.length < EXAMPLES_MAX) examples.push(`${kind}: ${what}`);
  };
  const members = new Set<string>();
  const left = new Set(expected.keys());
  let effects = 0;
  let id = '';
  let seen = new Map<string, number>();
  let at = -1;
  let last: string | undefined;

  const finishTicket = (of: string) => {
    const wanted = expected.get(of) ?? [];
    left.delete(of);
    for (const name of wanted) if (!seen.has(name)) fault('lost', `ticket ${of}, ${name}`);
    if (last !== wanted.at(-1)) fault('lastOff', `ticket ${of} is at ${last}, not at ${wanted.at(-1)}`);
    seen = new Map();
    at = -1;
    last = undefined;
  };

  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare('SELECT * FROM effects ORDER BY ticket_id, seq');
    for (const row of rows.iterate()) {
      const ticketId = String(row['ticket_id']);
      if (ticketId !== id && id !== '') finishTicket(id);
      id = ticketId;
      effects++;
      members.add(String(row['member']));
      const name = versionName(Number(row['stamp']), String(row['digest']));
      const offset = Number(row['offset']);
      const what = `ticket ${id}, ${name} at offset ${offset} by ${String(row['member'])}, effect ${String(row['seq'])}`;
      if (!expected.get(id)?.includes(name)) fault('unexpected', what);
      if (seen.has(name)) fault('twice', `${what}, after effect ${seen.get(name)}`);
      if (offset < at) fault('backward', `${what}, after offset ${at}`);
      seen.set(name, Number(row['seq']));
      at = offset;
      last = name;
    }
  } finally {
    database.close();
  }
  if (id !== '') finishTicket(id);
  for (const never of [...left]) finishTicket(never);
  return { effects, members: members.size, faults: { ...counts, examples } };
}
