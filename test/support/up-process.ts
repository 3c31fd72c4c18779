import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { program } from './command.ts';

/** What `npm start -- --json …` runs, with a data folder of its own; its JSON lines, parsed. */
export function startUp(
  dataDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, [program, 'up', '--json', ...args], {
    // A folder without a .env, as for every other command here.
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that a Ctrl-C can be sent to it as a terminal sends it: to all of the group.
    detached: true,
  });
  const lines: Record<string, unknown>[] = [];
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    lines,
    stderr: () => stderr,
    exitCode: async () => (await closed)[0],
    ctrlC: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
  };
}
