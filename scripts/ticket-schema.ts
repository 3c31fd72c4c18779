/**
 * `npm run check:schema`  the compatibility gate: exit code 1 and what to do where the contract is broken
 * `npm run schema`        publishes what is new: the next version where ticket-schema.ts changed, and new samples
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Contract, contractProblems, sha256 } from '../packages/ticket/src/schema/contract-check.ts';
import {
  CONTRACT_DIR,
  readContract,
  SUMS_FILE,
  schemaFile,
} from '../packages/ticket/src/schema/contract-files.ts';
import { ticketJsonSchema } from '../packages/ticket/src/schema/ticket-json-schema.ts';
import { TICKET_SCHEMA_VERSION } from '../packages/ticket/src/ticket-event.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

function check(): string[] {
  return contractProblems(readContract(), {
    version: TICKET_SCHEMA_VERSION,
    schema: ticketJsonSchema(TICKET_SCHEMA_VERSION),
  });
}

/** Only ever adds: a file that has a sum keeps it, and the gate says so where the file is another now. */
function publish(): void {
  let contract = readContract();
  const newest = contract.schemas.map(({ version }) => version).reduce((a, b) => Math.max(a, b), 0);
  const isPublished = contract.schemas.some(
    ({ version, text }) =>
      version === newest &&
      isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(ticketJsonSchema(newest)))),
  );
  if (!isPublished) {
    const version = newest + 1;
    writeFileSync(
      join(CONTRACT_DIR, schemaFile(version)),
      `${JSON.stringify(ticketJsonSchema(version), null, 2)}\n`,
      { flag: 'wx' },
    );
    say(
      `${schemaFile(version)} written; set TICKET_SCHEMA_VERSION to ${version}, give it samples in samples/${version}/`,
    );
    contract = readContract();
  }
  writeFileSync(join(CONTRACT_DIR, SUMS_FILE), sumsOf(contract));
}

function sumsOf({ schemas, samples, sums }: Contract): string {
  const all = new Map(sums);
  for (const { path, text } of [...schemas, ...samples]) if (!all.has(path)) all.set(path, sha256(text));
  return [...all]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, sum]) => `${sum}  ${path}\n`)
    .join('');
}

if (process.argv[2] === 'publish') publish();
const problems = check();
for (const problem of problems) say(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
