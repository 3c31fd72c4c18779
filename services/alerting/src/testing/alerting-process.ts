import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ConsumerProgress, ServiceMessage } from '@ticket-stream/service-kit';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Alerting as users run it, in a process of its own. */
export class AlertingProcess {
  readonly #child: ChildProcess;
  readonly #changed = new EventTarget();
  progress: ConsumerProgress | undefined;
  url: string | undefined;
  output = '';

  constructor(env: Readonly<Record<string, string>>) {
    this.#child = fork(main, [], {
      env: { PATH: process.env['PATH'], ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString('utf8');
      });
    }
    this.#child.on('message', (message: ServiceMessage) => {
      if (message.type === 'progress' && message.progress.service === 'alerting') {
        this.progress = message.progress;
      }
      if (message.type === 'listening') this.url = message.url;
      this.#changed.dispatchEvent(new Event('change'));
    });
    this.#child.once('exit', () => this.#changed.dispatchEvent(new Event('change')));
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @throws when the process ended instead, with the end of its output */
  async until(condition: (progress: ConsumerProgress) => boolean): Promise<ConsumerProgress> {
    for (;;) {
      if (this.progress !== undefined && condition(this.progress)) return this.progress;
      if (this.ended) throw new Error(`alerting ended:\n${this.output.slice(-3_000)}`);
      await once(this.#changed, 'change');
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.ended) {
      this.#child.kill(signal);
      await once(this.#child, 'exit');
    }
    return this.#child.exitCode;
  }

  /** @returns the exit code, when the process has ended by itself */
  async exited(): Promise<number | null> {
    if (!this.ended) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }
}
