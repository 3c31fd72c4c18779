/**
 * Which ticket stands in which second of the export, in order of time. A ticket that moves is appended at the end,
 * because time only goes forward; its older entry stays where it is and no longer counts. So nothing is ever
 * sorted again, and a million tickets take 12 MB.
 */
export class ExportIndex {
  private seconds: Uint32Array;
  private ids: Uint32Array;
  private length: number;
  /** By ticket id: the entry that counts, plus one; 0 for a ticket that is not there. */
  private current: Uint32Array;

  /** @param lastSeconds  by ticket id − 1: the second in which it stands at first */
  constructor(lastSeconds: Float64Array) {
    const tickets = lastSeconds.length;
    let earliest = Number.POSITIVE_INFINITY;
    for (const second of lastSeconds) earliest = Math.min(earliest, second);
    // Second and id in one number (26 bits + 27 bits) sort natively: 0.1 s for a million, a comparator takes 1 s.
    const keys = new Float64Array(tickets);
    for (let index = 0; index < tickets; index++) {
      keys[index] = ((lastSeconds[index] ?? 0) - earliest) * ID_SPAN + index + 1;
    }
    keys.sort();
    const capacity = Math.max(1024, Math.ceil(tickets * 1.1));
    this.seconds = new Uint32Array(capacity);
    this.ids = new Uint32Array(capacity);
    this.current = new Uint32Array(capacity + 1);
    this.length = tickets;
    for (let entry = 0; entry < tickets; entry++) {
      const key = keys[entry] ?? 0;
      const id = key % ID_SPAN;
      this.seconds[entry] = (key - id) / ID_SPAN + earliest;
      this.ids[entry] = id;
      this.current[id] = entry + 1;
    }
  }

  /** Moves a ticket to `second`, which is not before any second already there. */
  move(id: number, second: number): void {
    if (this.length === this.seconds.length) {
      this.seconds = grown(this.seconds);
      this.ids = grown(this.ids);
    }
    while (id >= this.current.length) this.current = grown(this.current);
    this.seconds[this.length] = second;
    this.ids[this.length] = id;
    this.length += 1;
    this.current[id] = this.length;
  }

  /** The groups of tickets that stand in one second, from `fromSecond` up to, not including, `beforeSecond`. */
  *groups(fromSecond: number, beforeSecond: number): Generator<{ second: number; ids: number[] }> {
    let group: { second: number; ids: number[] } | undefined;
    for (let entry = this.firstEntryAt(fromSecond); entry < this.length; entry++) {
      const second = this.seconds[entry] ?? 0;
      if (second >= beforeSecond) break;
      const id = this.ids[entry] ?? 0;
      if (this.current[id] !== entry + 1) continue;
      if (group !== undefined && group.second !== second) {
        yield group;
        group = undefined;
      }
      group ??= { second, ids: [] };
      group.ids.push(id);
    }
    if (group !== undefined) yield group;
  }

  private firstEntryAt(second: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.seconds[middle] ?? 0) < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const ID_SPAN = 2 ** 27;

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
