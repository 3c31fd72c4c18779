/**
 * Too many dead letters among the records just read are no odd tickets: the sink refuses all, or something else writes
 * to the topic. Going on would set the whole log aside, so the subscription stops. Nothing is lost by that: what
 * would go beyond the limit was not set aside, and the position stays before it. Only this run's records are
 * remembered: each start sets as many aside again before it stops.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { LogRecord } from '@ticket-stream/kafka';

export interface DeadLetterLimit {
  /** How many records are looked back. */
  readonly size: number;
  /** How many of them may be dead letters. */
  readonly letters: number;
}

export const DEAD_LETTER_LIMIT: DeadLetterLimit = { size: 1_000, letters: 100 };

/** A record that is to be set aside, and why. */
interface Refusal {
  readonly record: LogRecord;
  readonly error: TicketStreamError;
}

export interface DeadLetterWindow {
  /**
   * @param refusals  for each record of a piece in its order; undefined where it is not to be set aside
   * @throws subscriber.too_many_dead_letters  before anything of the piece is; names its first refusal
   */
  admit(refusals: readonly (Refusal | undefined)[]): void;
  /** The piece was recorded: the window moves over it. */
  move(refusals: readonly (Refusal | undefined)[]): void;
}

export function deadLetterWindow({ size, letters }: DeadLetterLimit, group: string): DeadLetterWindow {
  let seen = 0;
  /** Which of the records seen were letters, oldest first; none that the window has left behind. */
  let places: number[] = [];

  /** @returns the letters in the window after those records */
  function after(refusals: readonly (Refusal | undefined)[]): number[] {
    const now = [...places];
    refusals.forEach((refusal, index) => {
      const place = seen + index;
      while (now[0] !== undefined && now[0] <= place - size) now.shift();
      if (refusal === undefined) return;
      now.push(place);
      if (now.length <= letters) return;
      const counted = `${now.length} of the last ${Math.min(place + 1, size)} records of ${group}`;
      // It may stand in no letter, and in no line but this.
      const { record, error } = refusals.find((each) => each !== undefined) ?? refusal;
      const { partition, offset } = record;
      throw new TicketStreamError(
        'subscriber.too_many_dead_letters',
        `${counted} can't be handled; ${letters} may be set aside. Among them is offset ${offset} of partition ${partition}: ${error.code}, ${error.message}`,
        {
          context: { group, letters, size, partition, offset: String(offset), refusedWith: error.code },
          cause: error,
        },
      );
    });
    return now;
  }

  return {
    admit(refusals) {
      if (refusals.some((refusal) => refusal !== undefined)) after(refusals);
    },
    move(refusals) {
      places = after(refusals);
      seen += refusals.length;
    },
  };
}
