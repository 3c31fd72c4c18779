import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceFlags } from '../../../test/support/service-flags.ts';

const main = fileURLToPath(new URL('../../../services/producer/src/main.ts', import.meta.url));
/** USER_HZ: what /proc counts in, 100 a second on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/** The producer as `npm run producer` starts it, flags included, watched through /proc (Linux). */
export class MeasuredProducer {
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor(dataDir: string, env: Readonly<Record<string, string>>, nodeFlags: readonly string[] = []) {
    mkdirSync(dataDir, { recursive: true });
    this.#logFile = join(dataDir, 'producer.log');
    const log = openSync(this.#logFile, 'a');
    this.#child = spawn(process.execPath, [...serviceFlags('producer'), ...nodeFlags, main], {
      env: { PATH: process.env['PATH'], LOG_LEVEL: 'info', DATA_DIR: dataDir, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const end = () => this.#child.kill('SIGKILL');
    process.once('exit', end);
    this.#child.once('exit', () => process.off('exit', end));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Resident memory now, and the highest so far, in MB. */
  memoryMb(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const of = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** User and system time so far, in seconds; to a hundredth. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The name of the process is in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  async ended(): Promise<number | null> {
    if (this.running) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  /** @throws when the producer ends instead, with the end of its log */
  async untilLogged(text: string): Promise<void> {
    while (!this.log.includes(text)) {
      if (!this.running)
        throw new Error(`the producer ended (${this.#child.exitCode}):\n${this.log.slice(-3_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
