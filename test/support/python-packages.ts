/**
 * Python packages for clients that nobody here wrote, in a virtual environment under the user's cache: made on first
 * use, which needs the network, and used as it is from then on. Other requirements are another environment.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * @param requirements  file of pinned packages
 * @returns the environment's interpreter
 * @throws Error  this machine has no Python for it, or the packages could not be installed
 */
export async function pythonWith(requirements: string): Promise<string> {
  const version = spawnSync('python3', ['-c', 'import ensurepip, sys, venv; print(sys.version)'], {
    encoding: 'utf8',
  });
  if (version.error !== undefined || version.status !== 0) {
    throw new Error(
      'no python3 with venv here; a client in Python reads what we write. Debian: apt-get install python3-venv',
    );
  }
  const key = createHash('sha256').update(version.stdout).update(readFileSync(requirements)).digest('hex');
  const root = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ticket-stream', 'python');
  const folder = join(root, key.slice(0, 16));
  const python = join(folder, 'bin', 'python');
  if (existsSync(python)) return python;

  mkdirSync(root, { recursive: true });
  // Made beside and renamed: what is killed on its way is never taken for whole, and two at once do not mix.
  const beside = `${folder}.${process.pid}`;
  say(`first use: makes a Python environment in ${folder}`);
  try {
    await run('python3', ['-m', 'venv', beside]);
    say(`installs ${requirements}`);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
    await run(join(beside, 'bin', 'python'), [...pip, '-r', requirements]);
    if (!existsSync(folder)) renameSync(beside, folder);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  say('done');
  return python;
}

async function run(command: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${parameters.join(' ')} ended with ${code}`);
}

function say(text: string): void {
  process.stderr.write(`python: ${text}\n`);
}
