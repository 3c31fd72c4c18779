import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** `npm run crash`: the campaign of kill -9 in test/crash, at the size that is asked for. */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    tickets: { type: 'string', default: '20000' },
    alerts: { type: 'string', default: '50' },
    'consumer-kills': { type: 'string', default: '20' },
    backlog: { type: 'string', default: '60000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const child = spawn(
  'vitest',
  ['run', '--project', 'system', 'test/crash', '--testTimeout=3600000', '--reporter=verbose'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      CRASH_KILLS: values.kills,
      CRASH_TICKETS: values.tickets,
      CRASH_ALERTS: values.alerts,
      CRASH_SEED: values.seed,
      CRASH_CONSUMER_KILLS: values['consumer-kills'],
      CRASH_BACKLOG: values.backlog,
    },
  },
);
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
