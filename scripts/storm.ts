import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** `npm run storm`: the rebalance storm of test/storm, at the size that is asked for. */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '180' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const child = spawn(
  'vitest',
  ['run', '--project', 'system', 'test/storm', '--testTimeout=3600000', '--reporter=verbose'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      STORM_RECORDS: values.records,
      STORM_SECONDS: values.seconds,
      STORM_SEED: values.seed,
    },
  },
);
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
