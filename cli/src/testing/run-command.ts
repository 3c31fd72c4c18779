/** `ticket-stream` as a process of its own, as a person starts it. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../bin/ticket-stream.js', import.meta.url));

export interface CommandAnswer {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param env  instead of the test's own environment, but for what finds programs */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CommandAnswer> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      // A folder without a .env, whatever lies about in the one the tests run in.
      { cwd: tmpdir(), env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...env }, timeout: 50_000 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code === 'string') reject(error);
        else resolve({ code: child.exitCode, stdout, stderr });
      },
    );
  });
}

/** What a command said on stderr, but for what it was still at: a busy machine makes any look a slow one. */
export function withoutProgress(stderr: string): string {
  return stderr.replace(/^(?:looking at|waiting for) .* \(\d+ s\)\n/gm, '');
}
