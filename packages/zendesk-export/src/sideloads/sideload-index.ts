import { TicketStreamError } from '@ticket-stream/errors';
import type { SideloadTaker } from '../page-reader.ts';
import { idsIn, type SideloadRelation, sideloadRelations } from './sideload-relations.ts';

/**
 * What the records of a page may take in memory. A page of 1,000 tickets with five people each of 2 KB is 10 MB; what
 * passes this is asked for again in smaller pages.
 */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
/** Of a map's entry, its key and its Buffer besides the bytes: what many tiny records cost. */
const RECORD_OVERHEAD_BYTES = 200;

/**
 * The sideloaded records of one page by array and id, byte for byte as they came. Of two with the same id the later
 * one counts; one without an id belongs to no ticket and is not kept.
 */
export class SideloadIndex implements SideloadTaker {
  readonly arrays: readonly string[];
  readonly #bytesMax: number;
  readonly #relations: readonly SideloadRelation[];
  readonly #records = new Map<string, Map<string, Buffer>>();
  #bytes = 0;
  #leftOut = 0;

  /** @param include  names of sideloads; those without records of their own (`slas`, `comment_count`…) need no index */
  constructor(include: readonly string[], bytesMax: number = RECORD_BYTES_MAX) {
    this.#relations = sideloadRelations.filter(({ array }) => include.includes(array));
    this.arrays = this.#relations.map(({ array }) => array);
    this.#bytesMax = bytesMax;
    for (const array of this.arrays) this.#records.set(array, new Map());
  }

  /** Records over a ticket's limits, which no ticket gets. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** @throws zendesk.page_too_large  the page's records take more memory than allowed */
  take(array: string, bytes: Buffer, parsed: unknown): void {
    const records = this.#records.get(array);
    const relation = this.#relations.find((each) => each.array === array);
    if (records === undefined || relation === undefined) return;
    const [id] = idsIn(bytes, parsed, [relation.recordKey]);
    if (id === undefined) return;
    const before = records.get(id);
    this.#bytes += bytes.length - (before === undefined ? -RECORD_OVERHEAD_BYTES : before.length);
    if (this.#bytes > this.#bytesMax) {
      throw new TicketStreamError(
        'zendesk.page_too_large',
        'the sideloads of a page are larger than allowed',
        {
          context: { recordBytesMax: this.#bytesMax },
        },
      );
    }
    records.set(id, bytes);
  }

  leaveOut(): void {
    this.#leftOut++;
  }

  /**
   * The object to embed into a ticket: `{"users":[…],"groups":[…]}`, the arrays in a fixed order, the records of each in
   * the order of the ticket's fields, each once.
   * @returns  undefined where no record belongs to it
   */
  embeddedFor(bytes: Uint8Array, parsed: unknown): Buffer | undefined {
    const parts: Buffer[] = [];
    for (const { array, ticketFields } of this.#relations) {
      const found: Buffer[] = [];
      for (const id of idsIn(bytes, parsed, ticketFields)) {
        const record = this.#records.get(array)?.get(id);
        if (record === undefined) continue;
        if (found.length > 0) found.push(COMMA);
        found.push(record);
      }
      if (found.length === 0) continue;
      parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}"${array}":[`), ...found, CLOSE_ARRAY);
    }
    return parts.length === 0 ? undefined : Buffer.concat([...parts, CLOSE_OBJECT]);
  }
}

const COMMA = Buffer.from(',');
const CLOSE_ARRAY = Buffer.from(']');
const CLOSE_OBJECT = Buffer.from('}');
