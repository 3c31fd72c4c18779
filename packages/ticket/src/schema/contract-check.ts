/**
 * The compatibility gate (`npm run check:schema`): keeps the promise that a consumer written against any published
 * version of the ticket's schema reads every record, older and newer.
 *
 * A published file never changes: its SHA-256 stands in SHA256SUMS beside it. Samples are tickets as they were known
 * when their version was made; each must fit every version, since a record of any age meets readers of any age.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { breakingChanges } from './breaking-changes.ts';
import type { JsonSchema } from './ticket-json-schema.ts';

export interface ContractFile {
  /** Relative to the schema folder. */
  readonly path: string;
  readonly version: number;
  readonly text: string;
}

export interface Contract {
  readonly schemas: readonly ContractFile[];
  readonly samples: readonly ContractFile[];
  /** SHA256SUMS: path → lower-case hex. */
  readonly sums: ReadonlyMap<string, string>;
}

export interface Code {
  /** The version that records name now (TICKET_SCHEMA_VERSION). */
  readonly version: number;
  /** The schema that the code would publish under that version. */
  readonly schema: JsonSchema;
}

/** @returns what does not hold, one sentence each with what to do; empty where everything does */
export function contractProblems(contract: Contract, code: Code): string[] {
  const changed = changedFiles(contract);
  // What was tampered with is no witness of anything else.
  if (changed.length > 0) return changed;
  const schemas = contract.schemas.toSorted((a, b) => a.version - b.version);
  return [
    ...versionProblems(schemas, code),
    ...schemas.flatMap((newer, place) =>
      schemas
        .slice(0, place)
        .flatMap((older) =>
          breakingChanges(parse(older), parse(newer)).map(
            (change) => `version ${newer.version} breaks users of version ${older.version}: ${change}`,
          ),
        ),
    ),
    ...sampleProblems(schemas, contract.samples),
  ];
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function changedFiles({ schemas, samples, sums }: Contract): string[] {
  const found: string[] = [];
  const files = new Map([...schemas, ...samples].map((file) => [file.path, file]));
  for (const { path, text, version } of files.values()) {
    const sum = sums.get(path);
    if (sum === undefined) found.push(`${path} is not in SHA256SUMS: publish it with \`npm run schema\``);
    else if (sum !== sha256(text)) {
      found.push(
        `${path} was changed after it was published: restore it, and make version ${version + 1} instead`,
      );
    }
  }
  for (const path of sums.keys()) {
    if (!files.has(path)) found.push(`${path} was published and is gone: restore it`);
  }
  return found;
}

function versionProblems(schemas: readonly ContractFile[], code: Code): string[] {
  const newest = schemas.at(-1);
  const versions = schemas.map(({ version }) => version);
  if (newest === undefined) return ['no schema is published: run `npm run schema`'];
  if (!versions.every((version, place) => version === place + 1)) {
    return [`published versions are ${versions.join(', ')}: they count from 1 without a hole`];
  }
  if (newest.version !== code.version) {
    return [
      `records name version ${code.version} and ${newest.version} is the newest published: set TICKET_SCHEMA_VERSION`,
    ];
  }
  if (!isDeepStrictEqual(parse(newest), JSON.parse(JSON.stringify(code.schema)))) {
    return [
      `ticket-schema.ts is no longer what ${newest.path} says: make version ${newest.version + 1} with \`npm run schema\``,
    ];
  }
  return [];
}

function sampleProblems(schemas: readonly ContractFile[], samples: readonly ContractFile[]): string[] {
  const found: string[] = [];
  for (const file of schemas) {
    if (!samples.some(({ version }) => version === file.version)) {
      found.push(`version ${file.version} has no samples: put some under samples/${file.version}/`);
    }
    // Formats are annotations in 2020-12: what is no date is published all the same (field-kinds.ts).
    const validator = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
    const validate = validator.compile(parse(file));
    for (const { path, text } of samples) {
      if (validate(JSON.parse(text))) continue;
      const why = validator.errorsText(validate.errors, { dataVar: 'ticket' });
      found.push(`${path} does not fit ${file.path}: ${why}`);
    }
  }
  return found;
}

function parse({ text }: ContractFile): JsonSchema {
  return JSON.parse(text) as JsonSchema;
}
