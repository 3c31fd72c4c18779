import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TICKET_SCHEMA_VERSION } from '../ticket-event.ts';
import { type Contract, type ContractFile, contractProblems, sha256 } from './contract-check.ts';
import { readContract } from './contract-files.ts';
import { type JsonSchema, ticketJsonSchema } from './ticket-json-schema.ts';

/** Copies to be broken; the one on disk is checked as it is by the first test and by `npm run check`. */
const published = readContract();
const code = { version: TICKET_SCHEMA_VERSION, schema: ticketJsonSchema(TICKET_SCHEMA_VERSION) };

const schemaOf = (version: number, schema: JsonSchema): ContractFile => ({
  path: `ticket-${version}.schema.json`,
  version,
  text: JSON.stringify(schema),
});
const sampleOf = (version: number, name: string, ticket: unknown): ContractFile => ({
  path: `samples/${version}/${name}.json`,
  version,
  text: JSON.stringify(ticket),
});
/** With sums that are right, as after publishing. */
function contractOf(schemas: readonly ContractFile[], samples: readonly ContractFile[]): Contract {
  return {
    schemas,
    samples,
    sums: new Map([...schemas, ...samples].map(({ path, text }) => [path, sha256(text)])),
  };
}
/** What is published, followed by a version that `edit` makes of it, with a sample of its own. */
function withNext(
  edit: (schema: JsonSchema & { properties: Record<string, unknown> }) => void,
  sample: object = { id: 1 },
) {
  const version = TICKET_SCHEMA_VERSION + 1;
  const schema = structuredClone(ticketJsonSchema(version)) as JsonSchema & {
    properties: Record<string, unknown>;
  };
  edit(schema);
  return {
    contract: contractOf(
      [...published.schemas, schemaOf(version, schema)],
      [...published.samples, sampleOf(version, 'next', sample)],
    ),
    code: { version, schema },
  };
}

it('holds as committed', () => {
  expect(published.samples.length).toBeGreaterThan(15);
  expect(contractProblems(published, code)).toEqual([]);
});

it('still has version 1 as it was published, not one that was edited together with its sum', () => {
  expect(published.sums.get('ticket-1.schema.json')).toBe(
    '7f09dbe46211cd9955fa7c7a3cfb1f7c88432f8ba449c067d32a4eb2b445d067',
  );
});

it('refuses a published schema that was edited, were it one letter of a text, and says what to do instead', () => {
  const [first, ...rest] = published.schemas as [ContractFile, ...ContractFile[]];
  const edited = { ...first, text: first.text.replace('Subject', 'subject') };
  expect(edited.text).not.toBe(first.text);
  expect(contractProblems({ ...published, schemas: [edited, ...rest] }, code)).toEqual([
    'ticket-1.schema.json was changed after it was published: restore it, and make version 2 instead',
  ]);
});

it('refuses a sample that was edited, one without a sum, and one that is gone', () => {
  const [first, ...rest] = published.samples as [ContractFile, ...ContractFile[]];
  expect(
    contractProblems({ ...published, samples: [{ ...first, text: '{"id":1}' }, ...rest] }, code),
  ).toEqual([expect.stringContaining(`${first.path} was changed`)]);
  expect(contractProblems({ ...published, samples: rest }, code)).toEqual([
    `${first.path} was published and is gone: restore it`,
  ]);
  expect(
    contractProblems(
      { ...published, samples: [...published.samples, sampleOf(1, 'new-one', { id: 1 })] },
      code,
    ),
  ).toEqual([expect.stringContaining('samples/1/new-one.json is not in SHA256SUMS')]);
});

it('asks for a new version where the code describes more than is published', () => {
  const schema = structuredClone(code.schema);
  const more = { ...schema, properties: { ...schema.properties, mood: { type: 'string' } } };
  expect(contractProblems(published, { ...code, schema: more })).toEqual([
    expect.stringContaining(`make version ${code.version + 1}`),
  ]);
});

it('asks that records name the newest version, and that versions have no hole', () => {
  const { contract } = withNext(() => {});
  expect(contractProblems(contract, code)).toEqual([expect.stringContaining('set TICKET_SCHEMA_VERSION')]);
  const schemas = [...published.schemas, schemaOf(9, ticketJsonSchema(9))];
  expect(contractProblems(contractOf(schemas, published.samples), { ...code, version: 9 })).toContainEqual(
    expect.stringContaining('without a hole'),
  );
});

it('lets a version pass that only adds', () => {
  const { contract, code: next } = withNext(
    (schema) => {
      schema.properties['mood'] = { type: ['string', 'null'] };
    },
    { id: 1, mood: 'fine', other: [1] },
  );
  expect(contractProblems(contract, next)).toEqual([]);
});

it('stops a version that asks for a field: by its rules, and by every old sample without it', () => {
  const { contract, code: next } = withNext(
    (schema) => {
      Object.assign(schema, { required: ['id', 'mood'] });
    },
    { id: 1, mood: 'fine' },
  );
  const problems = contractProblems(contract, next);
  expect(problems).toContain('version 2 breaks users of version 1: the ticket: mood became required');
  for (const { path } of published.samples) {
    expect(problems).toContainEqual(expect.stringContaining(`${path} does not fit ticket-2.schema.json`));
  }
});

it('stops a new kind of value that readers of an old version do not know', () => {
  const { contract, code: next } = withNext(
    (schema) => {
      schema.properties['subject'] = { type: ['string', 'null', 'object'] };
    },
    { id: 1, subject: { text: 'x' } },
  );
  const problems = contractProblems(contract, next);
  expect(problems).toContainEqual(expect.stringContaining('subject: type was'));
  expect(problems).toContainEqual(
    expect.stringMatching(/^samples\/2\/next\.json does not fit ticket-1\.schema\.json: ticket\/subject/),
  );
});

it('asks for samples of every version', () => {
  const { contract, code: next } = withNext(() => {});
  const samples = contract.samples.filter(({ version }) => version === 1);
  expect(contractProblems(contractOf(contract.schemas, samples), next)).toEqual([
    'version 2 has no samples: put some under samples/2/',
  ]);
});

it('reads no folder with files it does not know', () => {
  const dir = mkdtempSync(join(tmpdir(), 'contract-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'ticket-1.schema.json.orig'), '{}');
  expect(() => readContract(dir)).toThrow('ticket-1.schema.json.orig is neither a schema');
});
