/**
 * What a simulator keeps between its runs: `simulator.json` (which history it is), `journal.jsonl` (what was
 * commanded), `ledger` (what was served), `run.json` (where it listens) and `lock` (that it runs).
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';

/** Rises when the same identity would give other bytes: an older folder is then refused, not served differently. */
const GENERATOR = 1;

export interface HistoryIdentity {
  readonly seed: number;
  readonly tickets: number;
  /** Epoch second; the first start's. */
  readonly firstStart: number;
  readonly burst: number;
  readonly aiAgentShare: number;
}

export interface WantedHistory {
  readonly seed: number | undefined;
  readonly tickets: number | undefined;
  readonly burst: number | undefined;
  readonly aiAgentShare: number | undefined;
}

const defaults = { seed: 1, tickets: 20_000, burst: 0, aiAgentShare: 0 } as const;

/** Never a port: the checkpoint of a producer names it, and ports change from start to start. */
export function sourceIdentity(identity: HistoryIdentity): string {
  return `simulator:seed=${identity.seed};tickets=${identity.tickets};start=${identity.firstStart}`;
}

/**
 * The history this folder holds, or, where it holds none, a new one, durable on return.
 * @throws config.invalid   the caller asks for another history than the one that is there
 * @throws store.unusable   what is there was written by another version
 */
export function openIdentity(dataDir: string, wanted: WantedHistory, nowSecond: number): HistoryIdentity {
  const path = join(dataDir, 'simulator.json');
  const there = readIdentity(path);
  if (there === undefined) {
    const identity = {
      seed: wanted.seed ?? defaults.seed,
      tickets: wanted.tickets ?? defaults.tickets,
      firstStart: nowSecond,
      burst: wanted.burst ?? defaults.burst,
      aiAgentShare: wanted.aiAgentShare ?? defaults.aiAgentShare,
    };
    checkBurst(identity);
    writeDurably(path, `${JSON.stringify({ generator: GENERATOR, ...identity }, undefined, 2)}\n`);
    return identity;
  }
  const differing = (['seed', 'tickets', 'burst', 'aiAgentShare'] as const).filter(
    (name) => wanted[name] !== undefined && wanted[name] !== there[name],
  );
  if (differing.length > 0) {
    const shown = differing.map((name) => `${name}=${wanted[name]} asked for, ${name}=${there[name]} there`);
    throw new TicketStreamError(
      'config.invalid',
      `the simulator's folder holds another history: ${shown.join('; ')}`,
      {
        context: { dataDir },
        remedy: 'Leave these options out to go on with the history that is there, or name another folder.',
      },
    );
  }
  return there;
}

function checkBurst(identity: HistoryIdentity): void {
  if (identity.burst <= identity.tickets) return;
  throw new TicketStreamError(
    'config.invalid',
    `burst=${identity.burst} is more than there are tickets (${identity.tickets})`,
  );
}

function readIdentity(path: string): HistoryIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let found: Partial<HistoryIdentity & { generator: number }>;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new TicketStreamError('store.unusable', `${path} is not JSON`, { cause });
  }
  // A folder from before there were AI agents has none of their tickets: its bytes are the same.
  const { generator, seed, tickets, firstStart, burst, aiAgentShare = 0 } = found;
  if (
    generator !== GENERATOR ||
    seed === undefined ||
    tickets === undefined ||
    firstStart === undefined ||
    burst === undefined
  ) {
    throw new TicketStreamError('store.unusable', `${path} was written by another version of the simulator`, {
      context: { generator, expected: GENERATOR },
      remedy: 'Start the simulator in another folder; the topics of the old one stay as they are.',
    });
  }
  return { seed, tickets, firstStart, burst, aiAgentShare };
}

/** Written beside and renamed, so that a kill leaves the old file or the new one. */
function writeDurably(path: string, text: string): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

const SQLITE_BUSY = 5;

/**
 * One simulator a folder. SQLite's lock ends with its process, however that ends: a file with a process id in it
 * would outlive a kill, and the id would be somebody else's one day.
 * @throws store.locked
 * @throws store.unusable  the lock's file cannot be opened, or is none
 */
export function lockFolder(dataDir: string): { release(): void } {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new TicketStreamError('store.unusable', `${path} is no lock: ${(cause as Error).message}`, {
        cause,
        context: { dataDir },
        remedy: `Remove ${path} if it is there, and see that ${dataDir} can be written to.`,
      });
    }
    throw new TicketStreamError('store.locked', `another simulator runs in ${dataDir}`, {
      cause,
      context: { dataDir },
    });
  }
  return { release: () => database?.close() };
}

/** Where the simulator of a folder listens, for the commands. */
export interface RunFile {
  readonly url: string;
  readonly pid: number;
}

export function writeRunFile(dataDir: string, run: RunFile): void {
  writeFileSync(join(dataDir, 'run.json'), `${JSON.stringify(run)}\n`);
}

export function removeRunFile(dataDir: string): void {
  rmSync(join(dataDir, 'run.json'), { force: true });
}

/** @returns undefined where none runs; a killed one leaves its file behind, so its process is looked for */
export function readRunFile(dataDir: string): RunFile | undefined {
  try {
    const run: Partial<RunFile> = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8'));
    if (run.url === undefined || run.pid === undefined) return undefined;
    process.kill(run.pid, 0);
    return { url: run.url, pid: run.pid };
  } catch {
    return undefined;
  }
}
