import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConsumerProgress, ProducerProgress, ServiceMessage } from '@ticket-stream/service-kit';

/** A service as a child process; its log goes to a file, its progress comes over IPC. */
export interface ChildService {
  readonly name: ServiceName;
  readonly logFile: string;
  readonly pid: number | undefined;
  /** Settles with how it ended; never rejects. */
  readonly ended: Promise<ChildEnd>;
  stop(): void;
  kill(): void;
}

export type ServiceName = 'producer' | 'search' | 'alerting';

export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The service's own last words, where it had time for them. */
  readonly failure: { readonly code: string; readonly message: string; readonly remedy: string } | undefined;
}

export interface ChildEvents {
  readonly onListening: (url: string, pid: number) => void;
  readonly onProgress: (progress: ProducerProgress | ConsumerProgress, maxRssMb: number) => void;
}

export function startService(
  name: ServiceName,
  settings: { readonly dataDir: string; readonly env: NodeJS.ProcessEnv },
  events: ChildEvents,
): ChildService {
  const logDir = join(settings.dataDir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const logFile = join(logDir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = fork(fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url)), [], {
    env: settings.env,
    // A small young generation: V8 would otherwise let garbage of a page pile up (measured on a 1 GB page: peak
    // 127 → 97 MB at the same speed), and no optimised WebAssembly: undici's parser gains nothing by it and its compiler
    // takes 7 MB. `npm run producer` gives the same flags.
    execArgv: ['--max-semi-space-size=4', '--max-old-space-size=512', '--liftoff-only'],
    stdio: ['ignore', log, log, 'ipc'],
    // A group of its own: Ctrl-C is ours, and we stop the services in order.
    detached: true,
  });
  closeSync(log);
  let failure: ChildEnd['failure'];
  child.on('message', (message: ServiceMessage) => {
    if (message.type === 'listening') events.onListening(message.url, child.pid ?? 0);
    else if (message.type === 'progress') events.onProgress(message.progress, message.maxRssMb);
    else failure = message;
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => {
      failure ??= { code: 'internal.defect', message: error.message, remedy: 'See its log.' };
      resolve({ exitCode: null, signal: null, failure });
    });
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, failure }));
  });
  return {
    name,
    logFile,
    pid: child.pid,
    ended,
    stop: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}
