/**
 * What goes on after the first start, when nobody commands anything: one change every few seconds, each a function
 * of (seed, start of the rate, its number) and of the state it meets.
 */
import { mix, purpose, Random } from '../random.ts';
import type { TicketAction, TicketState } from './ticket-state.ts';

/** A stretch of time with one rate of changes. Events are counted from its start. */
export class LiveRate {
  readonly startSecond: number;
  readonly changesPerMinute: number;
  private readonly seed: number;
  private number = 0;

  constructor(seed: number, startSecond: number, changesPerMinute: number) {
    this.seed = seed;
    this.startSecond = startSecond;
    this.changesPerMinute = changesPerMinute;
  }

  /** The second of the next change; never, where the rate is 0. */
  nextSecond(): number {
    if (this.changesPerMinute === 0) return Number.POSITIVE_INFINITY;
    const jitter = mix(this.seed, purpose.live, this.startSecond, this.number, 1) / 0x1_0000_0000;
    return Math.floor(this.startSecond + ((this.number + jitter) * 60) / this.changesPerMinute);
  }

  /** The numbers for the next change, which is then done. */
  take(): Random {
    const random = new Random(mix(this.seed, purpose.live, this.startSecond, this.number, 2));
    this.number += 1;
    return random;
  }
}

const ACTIONS: Readonly<Record<string, readonly (readonly [number, TicketAction])[]>> = {
  new: [
    [75, 'assign'],
    [12, 'escalate'],
    [8, 'solve'],
    [3, 'bulk'],
    [2, 'delete'],
  ],
  open: [
    [34, 'solve'],
    [30, 'pend'],
    [18, 'reply'],
    [9, 'escalate'],
    [5, 'hold'],
    [4, 'bulk'],
  ],
  pending: [
    [60, 'customer_reply'],
    [36, 'solve'],
    [4, 'bulk'],
  ],
  hold: [
    [60, 'customer_reply'],
    [40, 'solve'],
  ],
  solved: [
    [40, 'close'],
    [25, 'rate_good'],
    [9, 'rate_bad'],
    [20, 'reopen'],
    [6, 'delete'],
  ],
};

/** What happens next to a ticket in this state; undefined where its way is at an end. */
export function nextAction(random: Random, state: TicketState): TicketAction | undefined {
  const choices = ACTIONS[state.status];
  if (choices === undefined) return undefined;
  const action = random.weighted(choices);
  // Rated once is enough: after that a solved ticket is closed.
  if ((action === 'rate_good' || action === 'rate_bad') && state.rating !== 'offered') return 'close';
  if (action === 'escalate' && state.priority === 'urgent') return 'reply';
  return action;
}
