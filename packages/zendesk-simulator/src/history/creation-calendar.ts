/** Seconds a week; the history begins this many weeks before its end. */
const WEEK_SECONDS = 7 * 86_400;
const WEEKS = 104;
export const HISTORY_SECONDS = WEEKS * WEEK_SECONDS;

/** Mail of a support desk by day, Thursday first, because the epoch began on one. */
const DAY_WEIGHTS = [1.05, 0.9, 0.35, 0.3, 1.3, 1.15, 1.1];
const HOUR_WEIGHTS = [
  0.1, 0.08, 0.06, 0.06, 0.08, 0.15, 0.35, 0.7, 1.1, 1.4, 1.4, 1.2, 0.9, 1.1, 1.3, 1.2, 1.0, 0.8, 0.6, 0.5,
  0.5, 0.4, 0.3, 0.2,
];

/**
 * When tickets are opened: more on Mondays than on Sundays, more at ten than at four. The n-th of all tickets gets
 * its moment without looking at the others, so a history of a million tickets needs no list of them.
 */
export class CreationCalendar {
  private readonly firstSecond: number;
  private readonly tickets: number;
  /** Share of the week that lies before the end of each of its 168 hours, counted from `firstSecond`. */
  private readonly shares: Float64Array;

  constructor(options: { readonly lastSecond: number; readonly tickets: number }) {
    this.firstSecond = options.lastSecond - HISTORY_SECONDS;
    this.tickets = options.tickets;
    this.shares = new Float64Array(168);
    const firstHour = Math.floor(this.firstSecond / 3600);
    let total = 0;
    for (let hour = 0; hour < 168; hour++) {
      const hourOfWeek = (firstHour + hour) % 168;
      total += (DAY_WEIGHTS[Math.floor(hourOfWeek / 24)] ?? 1) * (HOUR_WEIGHTS[hourOfWeek % 24] ?? 1);
      this.shares[hour] = total;
    }
    for (let hour = 0; hour < 168; hour++) this.shares[hour] = (this.shares[hour] ?? 0) / total;
  }

  /**
   * @param number    the ticket's place among all, from 1
   * @param fraction  in [0, 1): where between its predecessor's moment and its own latest one
   * @returns epoch second; grows with `number`
   */
  secondOf(number: number, fraction: number): number {
    const place = ((number - 1 + fraction) / this.tickets) * WEEKS;
    const week = Math.floor(place);
    const share = place - week;
    let low = 0;
    let high = 167;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.shares[middle] ?? 1) > share) high = middle;
      else low = middle + 1;
    }
    const before = low === 0 ? 0 : (this.shares[low - 1] ?? 0);
    const width = (this.shares[low] ?? 1) - before;
    const hours = low + (share - before) / width;
    return Math.floor(this.firstSecond + week * WEEK_SECONDS + hours * 3600);
  }
}
