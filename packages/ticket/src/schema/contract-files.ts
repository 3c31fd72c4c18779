import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contract, ContractFile } from './contract-check.ts';

/** Where published schemas and their samples lie. */
export const CONTRACT_DIR = join(import.meta.dirname, '../../schema');
export const SUMS_FILE = 'SHA256SUMS';

export const schemaFile = (version: number): string => `ticket-${version}.schema.json`;
const SCHEMA_FILE = /^ticket-(\d+)\.schema\.json$/;
const SAMPLE_FILE = /^samples\/(\d+)\/[a-z0-9-]+\.json$/;
/** As `sha256sum` writes and checks it. */
const SUM_LINE = /^([0-9a-f]{64}) [ *](.+)$/;

/** @throws where a file lies there that is neither a schema, nor a sample, nor SHA256SUMS */
export function readContract(dir = CONTRACT_DIR): Contract {
  const schemas: ContractFile[] = [];
  const samples: ContractFile[] = [];
  let sums: ReadonlyMap<string, string> = new Map();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name)
      .slice(dir.length + 1)
      .replaceAll('\\', '/');
    const text = readFileSync(join(dir, path), 'utf8');
    const schema = SCHEMA_FILE.exec(path);
    const sample = SAMPLE_FILE.exec(path);
    if (path === SUMS_FILE) sums = parseSums(text);
    else if (schema !== null) schemas.push({ path, version: Number(schema[1]), text });
    else if (sample !== null) samples.push({ path, version: Number(sample[1]), text });
    else
      throw new Error(
        `${path} is neither a schema (ticket-1.schema.json) nor a sample (samples/1/name.json)`,
      );
  }
  return { schemas, samples, sums };
}

function parseSums(text: string): Map<string, string> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const match = SUM_LINE.exec(line);
        if (match?.[1] === undefined || match[2] === undefined) throw new Error(`SHA256SUMS: "${line}"`);
        return [match[2], match[1]] as const;
      }),
  );
}
