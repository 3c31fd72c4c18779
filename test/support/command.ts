import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../cli/bin/ticket-stream.js', import.meta.url));

export interface CommandAnswer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `ticket-stream <args>` to its end, with this environment and no other; no terminal is there.
 * @param limitMs  after it a command that hangs is killed: its exit code is null then
 */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  limitMs?: number,
): Promise<CommandAnswer> {
  const child = spawn(process.execPath, [program, ...args], {
    // A folder without a .env, whatever a developer has in the repository's.
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(limitMs === undefined ? {} : { timeout: limitMs, killSignal: 'SIGKILL' }),
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { exitCode, stdout, stderr };
}
