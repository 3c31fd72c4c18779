/**
 * A Zendesk account that can be tried without one: its incremental ticket export, with the oddities a client must
 * survive. What it promises its tests: the same (seed, tickets, first start) and the same commands give the same
 * bytes at the same moment; a command is durable before it is answered; every version served is in the ledger.
 */
import {
  Account,
  type CommandedVersion,
  type CommandOptions,
  type LatestVersion,
  type SimulatorStatus,
} from './account.ts';
import { frozenClock, realClock, type SimulatorClock } from './clock.ts';
import { lockFolder, openIdentity, removeRunFile, writeRunFile } from './data-folder.ts';
import type { FaultPlan } from './faults/fault-plan.ts';
import { SimulatorServer } from './http/server.ts';
import { Journal } from './journal.ts';
import { Ledger } from './ledger.ts';
import { type CheckedOptions, checkOptions, type SimulatorOptions } from './simulator-options.ts';

export interface Simulator {
  readonly url: string;
  readonly source: string;
  /** Epoch second. */
  readonly firstStart: number;
  /** @throws simulator.change_refused */
  change(id: number, fields: object, options?: CommandOptions): CommandedVersion;
  /** @throws simulator.change_refused */
  create(fields: object): CommandedVersion;
  /** What happens thirty days after a deletion, now. @throws simulator.change_refused */
  scrub(id: number): CommandedVersion;
  /** Moves a clock that stands still. @throws simulator.change_refused where it runs */
  advance(seconds: number): void;
  /** Moves any clock forward, for good. @throws simulator.change_refused */
  jump(seconds: number): void;
  /** What goes wrong from the next export request on, which is number 1. @throws config.invalid; the old plan stays */
  setFaults(plan: FaultPlan): void;
  /** Every access token that was given out ends now. @returns how many were still good */
  revokeTokens(): number;
  /** The ticket's JSON as the export would show it now; undefined where there is none. */
  ticket(id: number): string | undefined;
  latest(): IterableIterator<LatestVersion>;
  status(): SimulatorStatus;
  stop(): Promise<void>;
}

/**
 * @throws config.invalid     wrong options, or a folder with another history than the one asked for
 * @throws config.port_taken
 * @throws store.locked       another simulator runs in this folder
 * @throws store.unusable     the folder was written by another version
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const checked = checkOptions(options);
  const lock = lockFolder(checked.dataDir);
  const open: { close(): void }[] = [];
  try {
    const clock = clockFor(checked);
    const nowSecond = Math.floor(clock.nowMs() / 1000);
    const identity = openIdentity(checked.dataDir, checked, nowSecond);
    const journal = new Journal(checked.dataDir);
    open.push(journal);
    const ledger = new Ledger(checked.dataDir, checked.ledgerOfEveryShowing);
    open.push(ledger);
    const account = new Account(checked, identity, clock, journal, ledger);
    const server = new SimulatorServer(account, checked);
    await server.listen();
    writeRunFile(checked.dataDir, { url: server.url, pid: process.pid });
    checked.logger.info(
      { url: server.url, source: account.source, now: account.presentSecond() },
      'the simulator listens',
    );
    return {
      url: server.url,
      source: account.source,
      firstStart: identity.firstStart,
      change: (id, fields, how) => account.change(id, fields, how),
      create: (fields) => account.create(fields),
      scrub: (id) => account.scrub(id),
      advance: (seconds) => account.advance(seconds),
      jump: (seconds) => account.jump(seconds),
      setFaults: (plan) => account.faults.replace(plan),
      revokeTokens: () => account.tokens.revokeAll(),
      ticket: (id) => account.ticket(id),
      latest: () => account.latest(),
      status: () => account.status(server.url, server.requests),
      async stop() {
        await server.close();
        journal.close();
        ledger.close();
        removeRunFile(checked.dataDir);
        lock.release();
      },
    };
  } catch (error) {
    for (const file of open) file.close();
    lock.release();
    throw error;
  }
}

function clockFor(options: CheckedOptions): SimulatorClock {
  if (options.clock !== undefined) return options.clock;
  if (options.frozen === false) return realClock();
  return frozenClock(options.frozen === true ? Math.floor(Date.now() / 1000) : options.frozen);
}
