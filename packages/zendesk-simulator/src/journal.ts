/**
 * What was commanded, in order: together with the seed it is the history. An entry is on the disk before its
 * command is answered; a line that a kill cut off was never answered, and is dropped at the next start.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import { parseExactJson } from './exact-json.ts';
import type { GivenFields } from './history/ticket-state.ts';

export type JournalEntry = {
  readonly at: number;
} /** The clock jumped; so far ahead of the one it was given it is from then on. */ & (
  | { readonly op: 'jump'; readonly aheadSeconds: number }
  | { readonly op: 'rate'; readonly changesPerMinute: number }
  | { readonly op: 'change'; readonly id: number; readonly fields: GivenFields; readonly system: boolean }
  | { readonly op: 'scrub'; readonly id: number }
  | { readonly op: 'create'; readonly id: number; readonly fields: GivenFields }
);

export class Journal {
  private readonly file: number;
  private bytes: number;
  /** As found at the start. */
  readonly entries: readonly JournalEntry[];

  /** @throws store.unusable  a line that is whole is not an entry */
  constructor(dataDir: string) {
    const path = join(dataDir, 'journal.jsonl');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.entries = whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line, index) => parseEntry(line, index + 1, path));
    this.bytes = Buffer.byteLength(whole);
    this.file = openSync(path, existsSync(path) ? 'r+' : 'w');
    ftruncateSync(this.file, this.bytes);
  }

  /** Durable on return. */
  append(entry: JournalEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    writeSync(this.file, line, 0, line.length, this.bytes);
    fsyncSync(this.file);
    this.bytes += line.length;
  }

  close(): void {
    closeSync(this.file);
  }
}

function parseEntry(line: string, number: number, path: string): JournalEntry {
  try {
    const entry = parseExactJson(line) as JournalEntry;
    if (typeof entry.at === 'number' && typeof entry.op === 'string') return entry;
  } catch (cause) {
    throw new TicketStreamError('store.unusable', `${path}, line ${number}, is not JSON`, { cause });
  }
  throw new TicketStreamError('store.unusable', `${path}, line ${number}, is not an entry of the journal`);
}
