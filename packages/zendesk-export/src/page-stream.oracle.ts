import { getManyValues, none } from 'stream-chain/core';
import { fixUtf8Stream } from 'stream-chain/utils/fixUtf8Stream.js';
import { Assembler } from 'stream-json/core/assembler.js';
import { jsonParser, type Token } from 'stream-json/core/parser.js';
import type { ExportMode } from './page-fields.ts';

/**
 * What an export page holds, found out by stream-json alone: slow, and without a scanner to be wrong. The tests hold
 * page-stream.ts against it.
 *
 * The two agree on: accepted or refused, the values of tickets and lifted sideloads in order, the control fields. They may differ in
 * - which refusal it is: the oracle gives none (a page that is cut is told apart by tests of its own);
 * - tickets over a limit: the oracle has no limits;
 * - memory and speed.
 */
export interface OraclePage {
  readonly tickets: readonly unknown[];
  /** Those asked for that are there as arrays. */
  readonly sideloads: ReadonlyMap<string, readonly unknown[]>;
  readonly fields: ReadonlyMap<string, unknown>;
}

const CONTROL_TYPES: Readonly<Record<ExportMode, Readonly<Record<string, string>>>> = {
  time: { end_time: 'number', next_page: 'string', count: 'number', end_of_stream: 'boolean' },
  cursor: { after_cursor: 'string', count: 'number', end_of_stream: 'boolean' },
};

/** @returns undefined where the page is refused */
export function oraclePage(
  chunks: readonly Uint8Array[],
  mode: ExportMode,
  sideloadKeys: readonly string[] = [],
): OraclePage | undefined {
  const keys: string[] = [];
  let page: unknown;
  try {
    page = assemble(chunks, keys);
  } catch {
    return undefined;
  }
  if (typeof page !== 'object' || page === null || Array.isArray(page)) return undefined;
  const own = page as Record<string, unknown>;
  const once = ['tickets', ...sideloadKeys, ...Object.keys(CONTROL_TYPES[mode])];
  if (once.some((name) => keys.filter((key) => key === name).length > 1)) return undefined;
  const tickets = own['tickets'];
  if (!Array.isArray(tickets)) return undefined;
  const sideloads = new Map<string, readonly unknown[]>();
  for (const key of sideloadKeys) {
    const records = Object.hasOwn(own, key) ? own[key] : undefined;
    if (Array.isArray(records)) sideloads.set(key, records);
  }
  const fields = new Map<string, unknown>();
  for (const [name, type] of Object.entries(CONTROL_TYPES[mode])) {
    if (!Object.hasOwn(own, name)) continue;
    const value = own[name];
    if (value !== null && typeof value !== type) return undefined;
    if (typeof value === 'string' && value.length > 16_384) return undefined;
    fields.set(name, value);
  }
  const { end_time: end, next_page: next, count } = Object.fromEntries(fields);
  const isMoment = (second: number) =>
    Number.isSafeInteger(second) && second >= 0 && second <= 253_402_300_799;
  if (typeof end === 'number' && !isMoment(end)) return undefined;
  if (typeof count === 'number' && !(Number.isSafeInteger(count) && count >= 0)) return undefined;
  if (mode === 'cursor') {
    const cursor = fields.get('after_cursor');
    return cursor === undefined || cursor === '' ? undefined : { tickets, sideloads, fields };
  }
  const leadsOn = typeof end === 'number' || (typeof next === 'string' && hasStartTime(next, isMoment));
  if (!leadsOn && end !== null && next !== null) return undefined;
  return { tickets, sideloads, fields };
}

function hasStartTime(link: string, isMoment: (second: number) => boolean): boolean {
  if (!URL.canParse(link, 'https://link.invalid')) return false;
  const text = new URL(link, 'https://link.invalid').searchParams.get('start_time') ?? '';
  return /^[0-9]{1,12}$/.test(text) && isMoment(Number(text));
}

/** Any JSON text, by stream-json. @throws Error  it is none */
export function oracleValue(bytes: Uint8Array): unknown {
  return assemble([bytes], []);
}

function assemble(chunks: readonly Uint8Array[], keys: string[]): unknown {
  const decode = fixUtf8Stream();
  const parse = jsonParser({ packValues: true, streamValues: false });
  const assembler = new Assembler();
  const read = (output: unknown): void => {
    if (output === none) return;
    for (const token of getManyValues(output as Parameters<typeof getManyValues>[0]) as Token[]) {
      if (token.name === 'keyValue' && assembler.depth === 1) keys.push(token.value);
      assembler.consume(token);
    }
  };
  const end = none as unknown as string;
  for (const chunk of chunks) {
    const text = decode(chunk) as string;
    if (text !== '') read(parse(text));
  }
  const rest = decode(end) as string;
  if (rest !== '') read(parse(rest));
  read(parse(end));
  return assembler.current;
}
