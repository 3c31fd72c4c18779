import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/**
 * The system tests of one folder at the size that is asked for, each line of them shown: `--consumer-kills 20` is
 * CRASH_CONSUMER_KILLS=20 to the tests of `crash`. A seed goes with every campaign; without one it is of this moment.
 * @param folder  below test/
 * @param sizes   flag → default
 */
export function runCampaign(folder: string, sizes: Readonly<Record<string, string>>): void {
  const flags = { ...sizes, seed: String(Date.now() % 1_000_000) };
  const { values } = parseArgs({
    options: Object.fromEntries(
      Object.entries(flags).map(([flag, value]) => [flag, { type: 'string', default: value }]),
    ),
  });
  const settings = Object.entries(values).map(([flag, value]) => [
    `${folder}_${flag}`.toUpperCase().replaceAll('-', '_'),
    String(value),
  ]);
  const child = spawn(
    'vitest',
    ['run', '--project', 'system', `test/${folder}`, '--testTimeout=3600000', '--reporter=verbose'],
    { stdio: 'inherit', env: { ...process.env, ...Object.fromEntries(settings) } },
  );
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
