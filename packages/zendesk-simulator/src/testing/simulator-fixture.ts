/** A folder and simulators for each test: both end with it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { readLedger, type ServedVersion } from '../ledger.ts';
import { type Simulator, startSimulator } from '../simulator.ts';
import type { SimulatorOptions } from '../simulator-options.ts';

export const firstStart = 1_790_000_000;

export interface SimulatorFixture {
  readonly dataDir: string;
  /** 120 tickets, no limit, no live changes, a clock that stands still; unless asked for otherwise. */
  start(options?: Partial<SimulatorOptions>): Promise<Simulator>;
  stop(simulator: Simulator): Promise<void>;
}

export function simulatorFixture(): SimulatorFixture {
  let dataDir = '';
  const running: Simulator[] = [];
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'simulator-'));
  });
  afterEach(async () => {
    for (const simulator of running.splice(0)) await simulator.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    get dataDir() {
      return dataDir;
    },
    async start(options = {}) {
      const simulator = await startSimulator({
        dataDir,
        tickets: 120,
        requestsPerMinute: Number.POSITIVE_INFINITY,
        liveChangesPerMinute: 0,
        frozen: options.clock === undefined ? firstStart : undefined,
        ...options,
      });
      running.push(simulator);
      return simulator;
    },
    async stop(simulator) {
      running.splice(running.indexOf(simulator), 1);
      await simulator.stop();
    },
  };
}

export async function ledgerOf(folder: string): Promise<ServedVersion[]> {
  return await Array.fromAsync(readLedger(folder));
}

export function exportUrl(simulator: Simulator, query = 'start_time=0'): string {
  return `${simulator.url}/api/v2/incremental/tickets.json?${query}`;
}

/** The tickets of a page as they lie in its bytes: each begins with its address and ends with its second. */
export function ticketSlices(body: Buffer): string[] {
  const text = body.toString('utf8');
  const last = text.lastIndexOf('"generated_timestamp":');
  if (last === -1) return [];
  const from = text.indexOf('"tickets":[') + '"tickets":['.length;
  return text.slice(from, text.indexOf('}', last) + 1).split(/,(?=\{"url":"https:\/\/helpdesk)/);
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
