/**
 * `npm run soak -- --seed S`: test/soak at its full size. Progress on stderr, once a second (a line of JSON where that
 * is no terminal); as the last line of stdout one JSON object. Exit code 1 when anything is not as it must be.
 */
import { parseArgs } from 'node:util';
import { runSoak, type SoakProgress, type SoakSettings } from '../test/soak/soak.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    tickets: { type: 'string', default: '200000' },
    kills: { type: 'string', default: '50' },
    'broker-restarts': { type: 'string', default: '2' },
    minutes: { type: 'string', default: '90' },
  },
});

const seed = wholeNumber('seed');
const tickets = wholeNumber('tickets', 1_000);
const settings: SoakSettings = {
  seed,
  tickets,
  lastPerPage: 200,
  cursorPages: 100,
  burst: Math.min(2_500, Math.floor(tickets / 10)),
  randomKills: wholeNumber('kills'),
  brokerEvents: wholeNumber('broker-restarts'),
  workMsMax: 6_000,
  perPages: [40, 200, 500, 1000],
  liveChangesPerMinute: 600,
  changes: { changesPerTick: 2, bulkTickets: 150 },
  msMax: wholeNumber('minutes', 1) * 60_000,
};
process.stderr.write(`${process.stderr.isTTY ? `soak of seed ${seed}` : JSON.stringify({ seed })}\n`);

// So that broker and producer are ended as well.
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

const run = runSoak(settings, process.stderr.isTTY ? showLine : showJson, interrupted.signal);
const result = await run.catch((error: unknown) => ({ seed, violations: [String(error)] }));
if (process.stderr.isTTY) process.stderr.write('\n');
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = result.violations.length === 0 ? 0 : 1;

function showLine({ stage, lives, livesPlanned, versionsServed, requests, checked }: SoakProgress): void {
  const served = `${versionsServed} versions served in ${requests} requests`;
  const read = stage === 'checking' ? `, ${checked} records checked` : '';
  process.stderr.write(`\r\u001b[K${stage}: ${lives} of ${livesPlanned} lives ended, ${served}${read}`);
}

function showJson(progress: SoakProgress): void {
  process.stderr.write(`${JSON.stringify(progress)}\n`);
}

function wholeNumber(name: keyof typeof values, from = 0): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= from) return number;
  process.stderr.write(`--${name} must be a whole number from ${from} on\n`);
  process.exit(2);
}
