/**
 * Sends one page, a buffer at a time: a ticket is written when the buffers before it have left, so memory holds one
 * buffer and one ticket, whatever the page and however slow its reader.
 */
import { hash } from 'node:crypto';
import type { ExportPage } from '../history/export-pages.ts';
import type { LedgerPage } from '../ledger.ts';
import { ticketJson } from '../ticket-json.ts';
import type { BodySink } from './body-sink.ts';
import type { ControlField } from './page-body.ts';

const BUFFER_BYTES = 256 * 1024;
/** Sent from here on, so that most tickets fit behind without a look at their size. */
const SEND_BYTES = 96 * 1024;

export interface PageBody {
  readonly seed: number;
  readonly page: ExportPage;
  readonly control: readonly ControlField[];
}

/**
 * @returns ticket bytes sent, before compression
 * @throws  whatever ended the connection before the page's end
 */
export async function writePage(sink: BodySink, body: PageBody, ledger: LedgerPage): Promise<number> {
  const out = new BodyBuffer(sink, ledger);
  let ticketBytes = 0;
  await out.text('{"tickets":[');
  let first = true;
  for (const id of body.page.ids) {
    const state = body.page.states(id);
    if (!first) await out.text(',');
    first = false;
    const json = ticketJson(body.seed, state);
    if (!out.hasRoomFor(json)) await out.makeRoomFor(json);
    const bytes = out.put(json);
    ledger.add(id, state.generatedSecond, hash('sha256', bytes, 'buffer'));
    ticketBytes += bytes.length;
    if (out.isFull) await out.flush();
  }
  const control = body.control.map(([name, json]) => `,"${name}":${json}`);
  await out.text(`]${control.join('')}}`);
  await out.flush();
  await sink.end();
  return ticketBytes;
}

/** What it holds goes out after the ledger has it. */
class BodyBuffer {
  private readonly sink: BodySink;
  private readonly ledger: LedgerPage;
  private buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private filled = 0;

  constructor(sink: BodySink, ledger: LedgerPage) {
    this.sink = sink;
    this.ledger = ledger;
  }

  get isFull(): boolean {
    return this.filled >= SEND_BYTES;
  }

  /** A UTF-16 unit takes three bytes of UTF-8 at most. */
  hasRoomFor(text: string): boolean {
    return text.length * 3 <= this.buffer.length - this.filled;
  }

  async makeRoomFor(text: string): Promise<void> {
    if (this.filled > 0) await this.flush();
    if (!this.hasRoomFor(text)) this.buffer = Buffer.allocUnsafe(text.length * 3);
  }

  /** @returns its bytes, valid until more is put; there must be room */
  put(text: string): Buffer {
    const from = this.filled;
    this.filled += this.buffer.write(text, from);
    return this.buffer.subarray(from, this.filled);
  }

  async text(text: string): Promise<void> {
    if (!this.hasRoomFor(text)) await this.makeRoomFor(text);
    this.put(text);
  }

  async flush(): Promise<void> {
    this.ledger.flush();
    await this.sink.send(this.buffer.subarray(0, this.filled));
    this.filled = 0;
  }
}
