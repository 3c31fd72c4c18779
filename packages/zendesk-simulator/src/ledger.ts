/**
 * Every version that was served, once: what a checker compares the topic with. A version stands in the ledger
 * before its bytes go out, so nothing that a client can have seen is missing; and each page that was sent to its
 * end is marked, because a client throws away a page that was cut, and a version that only such a page showed may
 * never be seen again.
 *
 * The file is a row of 32-byte records, numbers little-endian:
 *   version   1 (1 byte), mode (1), id (6 bytes), generated_timestamp (4), page (4), first half of the SHA-256 (16)
 *   whole     2 (1 byte), 0, zeros (10), page (4), zeros (16): every version with this page number was sent whole
 * Mode is 0 for a page of the time-based export and 1 for one by cursor.
 * A record that a kill cut off is dropped at the next start.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const RECORD_BYTES = 32;
const VERSION = 1;
const WHOLE = 2;
const MODES = ['time', 'cursor'] as const;

export interface ServedVersion {
  readonly id: number;
  readonly generatedTimestamp: number;
  /** The first 32 hex digits of the SHA-256 of the ticket's bytes. */
  readonly digest: string;
  /**
   * True where a page showed it that was sent to its end with nothing wrong in it: such a version a client must have.
   * False where only pages showed it that were cut, or that a careful client throws away: such a version it may have.
   */
  readonly whole: boolean;
  /** Of the page. */
  readonly mode: 'time' | 'cursor';
  /** The page's number among all that this folder's simulator ever sent, from 1. */
  readonly page: number;
}

export class Ledger {
  private readonly file: number;
  private bytes: number;
  private nextPage: number;
  /**
   * Versions that a page sent whole has shown, as 48 bits of their digests, plus one: by ticket id the first, 0 for
   * none (8 MB for a million tickets), and, for the few that were shown in several, the others.
   */
  private first = new Float64Array(1024);
  private readonly later: Map<number, Set<number>> = new Map();
  private versions = 0;

  private readonly everyShowing: boolean;

  /** @param everyShowing  a version shown again is written again: the file then grows with every page */
  constructor(dataDir: string, everyShowing = false) {
    this.everyShowing = everyShowing;
    const path = ledgerPath(dataDir);
    this.file = openSync(path, existsSync(path) ? 'r+' : 'w+');
    const size = fstatSync(this.file).size;
    this.bytes = size - (size % RECORD_BYTES);
    ftruncateSync(this.file, this.bytes);
    const { wholePages, lastPage } = readPages(path);
    this.nextPage = lastPage + 1;
    for (const record of records(path)) {
      if (record[0] !== VERSION || !wholePages.has(record.readUInt32LE(12))) continue;
      this.remember(record.readUIntLE(2, 6), record.readUIntLE(16, 6));
    }
  }

  /** Different versions in pages that were sent whole. */
  get versionCount(): number {
    return this.versions;
  }

  /** To be filled while a page is sent. */
  page(mode: ServedVersion['mode']): LedgerPage {
    const number = this.nextPage;
    this.nextPage += 1;
    return new LedgerPage(number, MODES.indexOf(mode), {
      isKnown: (id, mark) =>
        !this.everyShowing && (this.first[id] === mark + 1 || (this.later.get(id)?.has(mark) ?? false)),
      append: (buffer) => this.append(buffer),
      remember: (id, mark) => this.remember(id, mark),
    });
  }

  close(): void {
    closeSync(this.file);
  }

  private append(buffer: Buffer): void {
    writeSync(this.file, buffer, 0, buffer.length, this.bytes);
    this.bytes += buffer.length;
  }

  private remember(id: number, mark: number): void {
    while (id >= this.first.length) {
      const larger = new Float64Array(this.first.length * 2);
      larger.set(this.first);
      this.first = larger;
    }
    if (this.first[id] === mark + 1) return;
    if (this.first[id] === 0) {
      this.first[id] = mark + 1;
    } else {
      let marks = this.later.get(id);
      if (marks === undefined) {
        marks = new Set();
        this.later.set(id, marks);
      }
      if (marks.has(mark)) return;
      marks.add(mark);
    }
    this.versions += 1;
  }
}

interface LedgerFile {
  isKnown(id: number, mark: number): boolean;
  append(buffer: Buffer): void;
  remember(id: number, mark: number): void;
}

export class LedgerPage {
  readonly number: number;
  private readonly mode: number;
  private readonly file: LedgerFile;
  private pending: Buffer[] = [];
  private readonly shown: { readonly id: number; readonly mark: number }[] = [];

  constructor(number: number, mode: number, file: LedgerFile) {
    this.number = number;
    this.mode = mode;
    this.file = file;
  }

  /** @param sha256  all 32 bytes */
  add(id: number, generatedSecond: number, sha256: Buffer): void {
    const mark = sha256.readUIntLE(0, 6);
    if (this.file.isKnown(id, mark)) return;
    const record = Buffer.alloc(RECORD_BYTES);
    record[0] = VERSION;
    record[1] = this.mode;
    record.writeUIntLE(id, 2, 6);
    record.writeUInt32LE(generatedSecond, 8);
    record.writeUInt32LE(this.number, 12);
    sha256.copy(record, 16, 0, 16);
    this.pending.push(record);
    this.shown.push({ id, mark });
  }

  /** To be called before the bytes of what was added go out. */
  flush(): void {
    if (this.pending.length === 0) return;
    this.file.append(Buffer.concat(this.pending));
    this.pending = [];
  }

  /** The page went out to its last byte, and a client has no reason to throw it away. */
  whole(): void {
    if (this.shown.length === 0) return;
    const record = Buffer.alloc(RECORD_BYTES);
    record[0] = WHOLE;
    record.writeUInt32LE(this.number, 12);
    this.file.append(record);
    for (const { id, mark } of this.shown) this.file.remember(id, mark);
  }
}

/**
 * Every version that the simulator of this folder served, in the order of serving; it may run meanwhile. A version
 * that was first in a page that was cut comes once more when a whole page showed it.
 */
export async function* readLedger(dataDir: string): AsyncGenerator<ServedVersion> {
  const path = ledgerPath(dataDir);
  if (!existsSync(path)) return;
  const { wholePages } = readPages(path);
  const seen = new Set<string>();
  for (const record of records(path)) {
    if (record[0] !== VERSION) continue;
    const page = record.readUInt32LE(12);
    const version = {
      id: record.readUIntLE(2, 6),
      generatedTimestamp: record.readUInt32LE(8),
      digest: record.toString('hex', 16, 32),
      whole: wholePages.has(page),
      mode: MODES[record[1] ?? 0] ?? 'time',
      page,
    };
    if (version.whole) {
      // Two pages that were sent at the same time may both have brought it.
      const key = `${version.id} ${version.digest}`;
      if (seen.has(key)) continue;
      seen.add(key);
    }
    yield version;
  }
}

/** A page as it was sent, whole or not. */
export interface ServedPage {
  readonly page: number;
  readonly mode: ServedVersion['mode'];
  readonly whole: boolean;
  /** Ids, seconds and digests as a version has them, in the page's order; each once. */
  readonly versions: readonly Pick<ServedVersion, 'id' | 'generatedTimestamp' | 'digest'>[];
}

/**
 * Every page that began to be sent, by its number, with what it showed: all of it where the ledger was kept with
 * `everyShowing`, otherwise only what no whole page before had shown. An empty page is not there.
 */
export function readServedPages(dataDir: string): ServedPage[] {
  const path = ledgerPath(dataDir);
  const { wholePages } = readPages(path);
  const pages = new Map<number, ServedPage & { readonly versions: ServedPage['versions'][number][] }>();
  for (const record of records(path)) {
    if (record[0] !== VERSION) continue;
    const number = record.readUInt32LE(12);
    let page = pages.get(number);
    if (page === undefined) {
      const mode = MODES[record[1] ?? 0] ?? 'time';
      page = { page: number, mode, whole: wholePages.has(number), versions: [] };
      pages.set(number, page);
    }
    page.versions.push({
      id: record.readUIntLE(2, 6),
      generatedTimestamp: record.readUInt32LE(8),
      digest: record.toString('hex', 16, 32),
    });
  }
  return [...pages.values()].sort((a, b) => a.page - b.page);
}

function ledgerPath(dataDir: string): string {
  return join(dataDir, 'ledger');
}

function readPages(path: string): { wholePages: Set<number>; lastPage: number } {
  const wholePages = new Set<number>();
  let lastPage = 0;
  for (const record of records(path)) {
    const page = record.readUInt32LE(12);
    lastPage = Math.max(lastPage, page);
    if (record[0] === WHOLE) wholePages.add(page);
  }
  return { wholePages, lastPage };
}

/** Each record is valid until the next one is asked for. */
function* records(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(RECORD_BYTES * 8192);
    for (let position = 0; ; ) {
      const read = readSync(file, buffer, 0, buffer.length, position);
      const end = read - (read % RECORD_BYTES);
      for (let at = 0; at < end; at += RECORD_BYTES) yield buffer.subarray(at, at + RECORD_BYTES);
      if (end === 0) return;
      position += end;
    }
  } finally {
    closeSync(file);
  }
}
