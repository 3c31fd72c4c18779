/** `ticket-stream` on a terminal of its own, as a person sees it. Python has the pseudo-terminal, Node has none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { program } from './run-command.ts';

const IN_TERMINAL = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["/bin/sh", "-c", 'stty cols 200 rows 50; exec "$@"', "sh", *sys.argv[1:]])))
`;

export interface TerminalCommand {
  /** All that was written so far, stdout and stderr as they came, with the sequences that move the cursor. */
  seen(): string;
  readonly code: Promise<number | null>;
}

/** @param env  instead of the test's own environment, but for what finds programs */
export function startOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): TerminalCommand {
  const child = spawn('python3', ['-c', IN_TERMINAL, process.execPath, program, ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], TERM: 'xterm', NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 50_000,
  });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  return { seen: () => seen, code: closed.then(([code]) => code) };
}
