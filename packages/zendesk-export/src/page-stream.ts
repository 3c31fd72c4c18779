import type { ExportMode, PageTail } from './page-fields.ts';
import { type PageLimits, PageReader, PIECE_BYTES, type TicketSlice } from './page-reader.ts';

export type { PageLimits, ReadTicket, TicketSlice } from './page-reader.ts';

/**
 * Yields the tickets of one export page as they arrive; memory holds one piece of the body and one ticket, whatever
 * the page's size (promise 6). How: page-reader.ts; how fast: bench/src/page-stream.bench.ts.
 *
 * Nothing yielded may be made durable before the generator returned: only then was the page whole (promise 1).
 *
 * @param body    UTF-8 JSON in any chunking (a chunk may split a character); its chunks may be reused once the next
 *                is asked for. Destroyed when the reader stops early.
 * @param mode    which control fields make the page whole
 * @returns       tickets in page order, those of one piece together; when done, what the page says besides
 * @throws zendesk.page_truncated  the body ended inside the JSON
 * @throws zendesk.page_malformed  it is not JSON, not an export page, or a ticket of it is not JSON
 * @throws zendesk.page_too_large  more than pageBytesMax
 */
export async function* streamPage(
  body: AsyncIterable<Uint8Array>,
  limits: PageLimits,
  mode: ExportMode,
): AsyncGenerator<readonly TicketSlice[], PageTail> {
  const reader = new PageReader(limits, mode);
  for await (const chunk of body) {
    for (const piece of piecesOf(chunk)) {
      const tickets = reader.read(piece);
      if (tickets.length > 0) yield tickets;
    }
  }
  return reader.end();
}

/** Views of the chunk, of at most PIECE_BYTES. */
export function* piecesOf(chunk: Uint8Array): Generator<Buffer, void> {
  for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, chunk.length - start);
    yield Buffer.from(chunk.buffer, chunk.byteOffset + start, length);
  }
}
