import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serviceFlags } from '../../../test/support/service-flags.ts';
import type { PageServerOptions } from './page-server.ts';

export interface PageServer {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const child: ChildProcess = fork(new URL('./page-server.ts', import.meta.url), {
    serialization: 'advanced',
  });
  child.send(options);
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return {
    url,
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

export interface WayRun {
  /** Tickets a second, from the first request to the last commit. */
  readonly rate: number;
  readonly cpuMsPerThousand: number;
}

export type Way = 'page' | 'raw' | 'patched';

export async function runWay(
  way: Way,
  at: { brokers: string; topic: string; server: string; warmUp: number; pages: number; perPage: number },
): Promise<WayRun> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...serviceFlags('producer'),
    fileURLToPath(new URL('./page-way.ts', import.meta.url)),
    ...[way, at.brokers, at.topic, at.server, String(at.warmUp), String(at.pages)],
  ]);
  const [seconds = Number.NaN, cpuSeconds = Number.NaN] = stdout.split(' ').map(Number);
  const tickets = at.pages * at.perPage;
  return { rate: tickets / seconds, cpuMsPerThousand: (1_000_000 * cpuSeconds) / tickets };
}
