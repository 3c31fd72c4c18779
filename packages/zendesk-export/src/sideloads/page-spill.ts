/**
 * Where the tickets of a page wait until its sideloads were read: in memory up to 256 KiB, so that a quiet page needs no
 * disk; after that in a file that has no name any more.
 *
 * The file holds tickets, so nobody else reads it (mode 0600) and it does not outlive its process: it is unlinked as
 * soon as it is open, and the system frees it when the process ends, however that happens. (A kill between the two
 * calls leaves an empty file.)
 */
import { randomUUID } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';

/** In memory before a write, and at least as much at a read. */
const BUFFER_BYTES = 262_144;
/** Of each entry: the length of what follows. */
const LENGTH_BYTES = 4;
const MODE = 0o600;

export class PageSpill {
  readonly #dir: string;
  readonly #bytesMax: number;
  #file: FileHandle | undefined;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #writtenBytes = 0;

  /**
   * @param dir       an existing folder, on a disk
   * @param bytesMax  of all entries
   */
  constructor(dir: string, bytesMax: number) {
    this.#dir = dir;
    this.#bytesMax = bytesMax;
  }

  /**
   * Adds one entry; its parts are the spill's until it is closed.
   * @throws zendesk.page_too_large  with it more than bytesMax
   * @throws spill.unavailable       the disk is full, the folder missing or not to be written
   */
  async append(parts: readonly Buffer[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (this.#writtenBytes + this.#pendingBytes + LENGTH_BYTES + length > this.#bytesMax) {
      throw new TicketStreamError(
        'zendesk.page_too_large',
        'the tickets of a page with sideloads are larger than allowed',
        { context: { spillBytesMax: this.#bytesMax } },
      );
    }
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32LE(length);
    this.#pending.push(head, ...parts);
    this.#pendingBytes += LENGTH_BYTES + length;
    if (this.#pendingBytes >= BUFFER_BYTES) await this.#write();
  }

  /**
   * All entries in the order they were added; to be asked for once, after the last of them.
   * @throws spill.unavailable  the disk does not give back what it was given
   */
  async *entries(): AsyncGenerator<Buffer, void> {
    if (this.#file === undefined) {
      const all = Buffer.concat(this.#pending);
      this.#drop();
      yield* new EntryCutter().cut(all);
      return;
    }
    await this.#write();
    const cutter = new EntryCutter();
    for (let at = 0; at < this.#writtenBytes; ) {
      const piece = await this.#read(at, Math.min(BUFFER_BYTES, this.#writtenBytes - at));
      at += piece.length;
      yield* cutter.cut(piece);
    }
  }

  /** Frees the file; safe to call at any time, and twice. */
  async close(): Promise<void> {
    this.#drop();
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#drop();
    await this.#onDisk(async () => {
      this.#file ??= await openUnlinked(this.#dir);
      await this.#file.writeFile(bytes);
    });
    this.#writtenBytes += bytes.length;
  }

  async #read(at: number, length: number): Promise<Buffer> {
    return this.#onDisk(async () => {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = (await this.#file?.read(buffer, 0, length, at)) ?? { bytesRead: 0 };
      if (bytesRead === 0) throw new Error('the file is shorter than what was written');
      return buffer.subarray(0, bytesRead);
    });
  }

  async #onDisk<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw new TicketStreamError('spill.unavailable', 'a page with sideloads could not wait on the disk', {
        cause: error,
        context: { dir: this.#dir, reason: (error as NodeJS.ErrnoException).code ?? 'unknown' },
      });
    }
  }

  #drop(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

async function openUnlinked(dir: string): Promise<FileHandle> {
  const path = join(dir, `.page-${randomUUID()}.spill`);
  const file = await open(path, 'wx+', MODE);
  try {
    unlinkSync(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** Cuts what was read back into entries; holds the one that goes on in the next piece. */
class EntryCutter {
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes that complete the length or the entry that #rest begins with. */
  #needed = LENGTH_BYTES;

  *cut(piece: Buffer): Generator<Buffer, void> {
    this.#rest.push(piece);
    this.#restBytes += piece.length;
    // Joined only when an entry is complete: one that spans many pieces is copied once.
    if (this.#restBytes < this.#needed) return;
    let bytes = this.#rest.length === 1 ? piece : Buffer.concat(this.#rest);
    this.#needed = LENGTH_BYTES;
    while (bytes.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + bytes.readUInt32LE();
      if (bytes.length < end) {
        this.#needed = end;
        break;
      }
      yield bytes.subarray(LENGTH_BYTES, end);
      bytes = bytes.subarray(end);
    }
    this.#rest = [bytes];
    this.#restBytes = bytes.length;
  }
}
