import type { ExportMode, PageTail } from '../page-fields.ts';
import { type PageLimits, PageReader, PIECE_BYTES, type ReadTicket } from '../page-reader.ts';
import { piecesOf } from '../page-stream.ts';
import type { UnreadTicket } from '../unread-ticket.ts';
import { PageSpill } from './page-spill.ts';
import { SideloadIndex } from './sideload-index.ts';
import { fromEntry, toEntry } from './spilled-slice.ts';

export interface SideloadOptions {
  readonly mode: ExportMode;
  /** Names as in the request's `include`. */
  readonly include: readonly string[];
  /** An existing folder on a disk: the tickets wait there. */
  readonly spillDir: string;
  /** Of the tickets that wait; 256 MiB where it is left out. */
  readonly spillBytesMax?: number;
  /** Of the sideloaded records in memory; 64 MiB where it is left out. */
  readonly recordBytesMax?: number;
}

/** A slice with the JSON of its `_embedded` object; undefined where no sideloaded record belongs to it. */
export type EmbeddedSlice =
  | (ReadTicket & { readonly embedded: Buffer | undefined })
  | (UnreadTicket & { readonly embedded: undefined });

export interface SideloadTail extends PageTail {
  /** Sideloaded records over a ticket's limits: their tickets came without them. */
  readonly recordsLeftOut: number;
}

const SPILL_BYTES_MAX = 256 * 1024 * 1024;

/**
 * `streamPage` for a page with sideloads. They come after the tickets, or anywhere: the tickets wait on the disk
 * (page-spill.ts) until the page was read to its end and found whole, then come in page order, each with the records
 * that belong to it. The page's own bytes stay what they were: the records are to be put into a ticket by
 * `embedSideloads`, and taken out again by `withoutEmbedded`.
 *
 * Where nothing of `include` has records of its own, nothing waits: as `streamPage`.
 *
 * Memory holds the records, a piece of the page, and a piece of what waited; what waited is gone on every path.
 *
 * @returns  as `streamPage`
 * @throws zendesk.page_too_large  also: more than spillBytesMax waits, or records of more than recordBytesMax
 * @throws spill.unavailable       the disk is full, the folder missing or not to be written
 * @throws what `streamPage` throws
 */
export async function* streamPageWithSideloads(
  body: AsyncIterable<Uint8Array>,
  limits: PageLimits,
  options: SideloadOptions,
): AsyncGenerator<readonly EmbeddedSlice[], SideloadTail> {
  const index = new SideloadIndex(options.include, options.recordBytesMax);
  const spill = new PageSpill(options.spillDir, options.spillBytesMax ?? SPILL_BYTES_MAX);
  const waits = index.arrays.length > 0;
  try {
    const reader = new PageReader(limits, options.mode, index);
    for await (const chunk of body) {
      for (const piece of piecesOf(chunk)) {
        const slices = reader.read(piece);
        if (waits) for (const slice of slices) await spill.append(toEntry(slice));
        else if (slices.length > 0) yield slices.map((slice) => embed(slice, index));
      }
    }
    const tail = reader.end();
    yield* embedded(spill, index);
    return { ...tail, recordsLeftOut: index.leftOut };
  } finally {
    await spill.close();
  }
}

async function* embedded(
  spill: PageSpill,
  index: SideloadIndex,
): AsyncGenerator<readonly EmbeddedSlice[], void> {
  let batch: EmbeddedSlice[] = [];
  let bytes = 0;
  for await (const entry of spill.entries()) {
    const slice = embed(fromEntry(entry), index);
    batch.push(slice);
    bytes += entry.length + (slice.embedded?.length ?? 0);
    if (bytes < PIECE_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function embed(slice: ReadTicket | UnreadTicket, index: SideloadIndex): EmbeddedSlice {
  if (slice.kind === 'unread') return { ...slice, embedded: undefined };
  return { ...slice, embedded: index.embeddedFor(slice.bytes, slice.parsed) };
}
