/**
 * Sends one page, a buffer at a time: a ticket is written when the buffers before it have left, so memory holds one
 * buffer and one ticket, whatever the page and however slow its reader.
 */
import { hash } from 'node:crypto';
import type { StateView } from '../history/export-pages.ts';
import type { LedgerPage } from '../ledger.ts';
import type { SideloadField } from '../sideloads/includes.ts';
import { ticketFields } from '../sideloads/ticket-fields.ts';
import { ticketJson } from '../ticket-json.ts';
import type { BodySink } from './body-sink.ts';

const BUFFER_BYTES = 256 * 1024;
/** Sent from here on, so that most tickets fit behind without a look at their size. */
const SEND_BYTES = 96 * 1024;

/** One of the members of the page's JSON object: its tickets, a control field, or an array beside them. */
export type PageMember =
  | { readonly name: 'tickets' }
  | { readonly name: string; readonly json: string }
  | { readonly name: string; readonly elements: AsyncIterable<string> };

export interface PageBody {
  readonly seed: number;
  readonly ids: readonly number[];
  /** So many of the last ids stand on the page already. */
  readonly repeats: number;
  readonly states: StateView;
  /** Fields of the tickets that the request asked for. */
  readonly fields: readonly SideloadField[];
  /** In the order in which they are sent. */
  readonly members: readonly PageMember[];
}

/**
 * @returns ticket bytes sent, before compression
 * @throws  whatever ended the connection before the page's end
 */
export async function writePage(sink: BodySink, body: PageBody, ledger: LedgerPage): Promise<number> {
  const out = new BodyBuffer(sink, ledger);
  let ticketBytes = 0;
  for (const [place, member] of body.members.entries()) {
    const name = `${place === 0 ? '{' : ','}"${member.name}":`;
    if ('json' in member) {
      await out.text(name + member.json);
      continue;
    }
    await out.text(`${name}[`);
    if ('elements' in member) await writeElements(out, member.elements);
    else ticketBytes += await writeTickets(out, body, ledger);
    await out.text(']');
  }
  await out.text(body.members.length === 0 ? '{}' : '}');
  await out.flush();
  await sink.end();
  return ticketBytes;
}

async function writeElements(out: BodyBuffer, elements: AsyncIterable<string>): Promise<void> {
  let comma = '';
  for await (const json of elements) {
    await out.text(comma + json);
    comma = ',';
    if (out.isFull) await out.flush();
  }
}

async function writeTickets(out: BodyBuffer, body: PageBody, ledger: LedgerPage): Promise<number> {
  let ticketBytes = 0;
  const repeatedFrom = body.ids.length - body.repeats;
  for (const [place, id] of body.ids.entries()) {
    const state = body.states(id);
    const json = ticketJson(body.seed, state, ticketFields(body.seed, state, body.fields));
    // Not waited for where there is room: a page has many tickets.
    if (!out.hasRoomFor(json)) await out.makeRoomFor(json);
    if (place > 0) out.put(',');
    const bytes = out.put(json);
    if (place < repeatedFrom) ledger.add(id, state.generatedSecond, hash('sha256', bytes, 'buffer'));
    ticketBytes += bytes.length;
    if (out.isFull) await out.flush();
  }
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

  /** And for a comma before it. A UTF-16 unit takes three bytes of UTF-8 at most. */
  hasRoomFor(text: string): boolean {
    return text.length * 3 + 1 <= this.buffer.length - this.filled;
  }

  async makeRoomFor(text: string): Promise<void> {
    if (this.filled > 0) await this.flush();
    if (!this.hasRoomFor(text)) this.buffer = Buffer.allocUnsafe(text.length * 3 + 1);
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
