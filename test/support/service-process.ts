import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsumerProgress, ProducerProgress, ServiceMessage } from '@ticket-stream/service-kit';
import { until } from './condition.ts';
import { serviceFlags } from './service-flags.ts';

type Progress = { producer: ProducerProgress; search: ConsumerProgress; alerting: ConsumerProgress };
type ServiceName = keyof Progress;

/** A service as users run it, in a process of its own: started, watched, stopped, killed. */
export class ServiceProcess<Name extends ServiceName> {
  readonly name: Name;
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  progress: Progress[Name] | undefined;
  url: string | undefined;
  maxRssMb = 0;

  constructor(name: Name, dataDir: string, env: NodeJS.ProcessEnv) {
    this.name = name;
    mkdirSync(dataDir, { recursive: true });
    this.#logFile = join(dataDir, `${name}.log`);
    this.#env = { PATH: process.env['PATH'], LOG_LEVEL: 'info', DATA_DIR: dataDir, ...env };
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  get signal(): NodeJS.Signals | null {
    return this.#child?.signalCode ?? null;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** @param env  for this life alone, over what all lives have */
  start(env: NodeJS.ProcessEnv = {}): this {
    const log = openSync(this.#logFile, 'a');
    this.progress = undefined;
    this.url = undefined;
    const main = new URL(`../../services/${this.name}/src/main.ts`, import.meta.url);
    const child = fork(main, [], {
      env: { ...this.#env, ...env },
      execArgv: [...serviceFlags(this.name)],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    child.on('message', (message: ServiceMessage) => {
      // A message of a former life may still come after the next one began.
      if (child !== this.#child) return;
      if (message.type === 'progress') {
        this.progress = message.progress as Progress[Name];
        this.maxRssMb = Math.max(this.maxRssMb, message.maxRssMb);
      }
      if (message.type === 'listening') this.url = message.url;
    });
    this.#child = child;
    this.#exited = once(child, 'exit');
    return this;
  }

  /** kill -9, and the process is gone on return. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves with the exit code when the service ends by itself. */
  async stopped(): Promise<number | null> {
    await this.#exited;
    return this.exitCode;
  }

  async stop(): Promise<number | null> {
    if (this.running) this.#child?.kill('SIGTERM');
    await this.#exited;
    return this.exitCode;
  }

  /** @throws when the service ended instead, with the end of its log */
  async until<T>(
    what: string,
    condition: (progress: Progress[Name]) => T | undefined | false,
    withinMs = 60_000,
  ): Promise<T> {
    return until(
      `${this.name}: ${what}`,
      () => {
        if (!this.running)
          throw new Error(`${this.name} ended (${this.exitCode}):\n${this.log.slice(-3_000)}`);
        return this.progress === undefined ? undefined : condition(this.progress);
      },
      withinMs,
    );
  }
}

/**
 * True when everything below these offsets is stored.
 * @throws where there are none: a producer that has told no offsets has said nothing yet
 */
export function passed(progress: ConsumerProgress, targets: Readonly<Record<string, string>>): boolean {
  if (Object.keys(targets).length === 0) throw new Error('no offsets to pass');
  return Object.entries(targets).every(
    ([partition, next]) => BigInt(progress.nextOffsets[partition] ?? '0') >= BigInt(next),
  );
}
