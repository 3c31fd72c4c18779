/**
 * What `up` runs, written under DATA_DIR so that a command in another terminal finds it without a variable set: the
 * environment that its producer got, secrets left out. The simulator's credentials are everybody's, and so need no
 * writing down.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  commonOptions,
  type Environment,
  exportOptions,
  isAlive,
  kafkaOptions,
  zendeskOptions,
} from '@ticket-stream/service-kit';

export interface PublishedRun {
  /** Names and values of options, as the producer of the run reads them. */
  readonly environment: Environment;
  /** The account is the simulator. */
  readonly simulator: boolean;
}

const { TICKETS_TOPIC } = commonOptions;
const published = { ...zendeskOptions, ...exportOptions, ...kafkaOptions, TICKETS_TOPIC };

/** Not before the options that it names are known; over what a run before has left. */
export function publishRun(rootDir: string, env: Environment, simulator: boolean): void {
  const environment = Object.fromEntries(
    Object.entries(published).flatMap(([name, { secret, schema }]) => {
      const value = env[name]?.trim() ?? '';
      // Text that its table refuses may hold anything, a password in a URL too.
      return value === '' || secret || !schema.safeParse(value).success ? [] : [[name, value] as const];
    }),
  );
  writeRunFile(rootDir, 'up', { simulator, environment });
}

/** The run on this data folder; undefined where none is at work (a killed one leaves its file). */
export function readPublishedRun(rootDir: string): PublishedRun | undefined {
  try {
    const run: unknown = JSON.parse(readFileSync(join(rootDir, 'run', 'up.json'), 'utf8'));
    const { pid, environment, simulator } = run as Record<string, unknown>;
    if (typeof pid !== 'number' || !isAlive(pid)) return undefined;
    if (typeof environment !== 'object' || environment === null) return undefined;
    return { environment: environment as Environment, simulator: simulator === true };
  } catch {
    return undefined;
  }
}

/** Renamed into place: who reads at this moment sees the old file or the new one, never half. */
export function writeRunFile(rootDir: string, file: string, content: object): void {
  const path = join(rootDir, 'run', `${file}.json`);
  mkdirSync(join(rootDir, 'run'), { recursive: true });
  const half = `${path}.${process.pid}`;
  const whole = { pid: process.pid, startedAt: new Date().toISOString(), ...content };
  writeFileSync(half, `${JSON.stringify(whole)}\n`);
  renameSync(half, path);
}
