/** For tests: pages read from what they say. */
import { isTicketStreamError } from '@ticket-stream/errors';
import type { ExportMode } from './page-fields.ts';
import { type PageLimits, streamPage, type TicketSlice } from './page-stream.ts';

export const limits: PageLimits = { ticketBytesMax: 200_000, pageBytesMax: 10_000_000, depthMax: 50 };
export const TAIL = '"count":1,"end_of_stream":false,"next_page":null,"end_time":1700000000';

export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function read(
  page: string | Buffer,
  own: Partial<PageLimits> = {},
  chunkBytes = 1_000,
  mode: ExportMode = 'time',
) {
  const slices: TicketSlice[] = [];
  const pages = streamPage(inChunks(Buffer.from(page), chunkBytes), { ...limits, ...own }, mode);
  for (;;) {
    const step = await pages.next();
    if (step.done === true) return { slices, tail: step.value };
    slices.push(...step.value);
  }
}

export async function refusalOf(
  page: string | Buffer,
  own: Partial<PageLimits> = {},
  mode: ExportMode = 'time',
) {
  try {
    await read(page, own, 1_000, mode);
  } catch (error) {
    if (isTicketStreamError(error)) return error;
    throw error;
  }
  throw new Error('the page was accepted');
}
