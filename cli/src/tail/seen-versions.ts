/** The version of each ticket last seen in this run, as far as memory goes: the ones not seen for longest go first. */
const BYTES_MAX = 64 * 1024 * 1024;

export class SeenVersions {
  readonly #versions = new Map<string, Buffer>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** @returns the version before; undefined where none was seen, or it had to go */
  replace(ticketId: string, value: Buffer): Buffer | undefined {
    const before = this.#versions.get(ticketId);
    if (before !== undefined) this.#drop(ticketId, before);
    // A copy: the value is a view of the whole fetch.
    this.#versions.set(ticketId, Buffer.from(value));
    this.#bytes += value.byteLength;
    for (const [oldest, bytes] of this.#versions) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest, bytes);
    }
    return before;
  }

  #drop(ticketId: string, value: Buffer): void {
    this.#versions.delete(ticketId);
    this.#bytes -= value.byteLength;
  }
}
