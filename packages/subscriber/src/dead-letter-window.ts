/**
 * Too many dead letters among the records just read are no odd tickets: the sink refuses all, or something else writes
 * to the topic. Going on would set the whole log aside, so the subscription stops. Nothing is lost by that: what
 * would go beyond the limit was not set aside, and the position stays before it.
 */
import { TicketStreamError } from '@ticket-stream/errors';

export interface DeadLetterLimit {
  /** How many records are looked back. */
  readonly size: number;
  /** How many of them may be dead letters. */
  readonly letters: number;
}

export const DEAD_LETTER_LIMIT: DeadLetterLimit = { size: 1_000, letters: 100 };

export interface DeadLetterWindow {
  /**
   * @param refused  for each record of a piece in its order whether it is to be set aside
   * @throws subscriber.too_many_dead_letters  before anything of the piece is
   */
  admit(refused: readonly boolean[]): void;
  /** The piece was recorded: the window moves over it. */
  move(refused: readonly boolean[]): void;
}

export function deadLetterWindow({ size, letters }: DeadLetterLimit, group: string): DeadLetterWindow {
  let seen = 0;
  /** Which of the records seen were letters, oldest first; none that the window has left behind. */
  let places: number[] = [];

  /** @returns the letters in the window after those records */
  function after(refused: readonly boolean[]): number[] {
    const now = [...places];
    refused.forEach((isLetter, index) => {
      const place = seen + index;
      while (now[0] !== undefined && now[0] <= place - size) now.shift();
      if (!isLetter) return;
      now.push(place);
      if (now.length <= letters) return;
      throw new TicketStreamError(
        'subscriber.too_many_dead_letters',
        `${now.length} of the last ${Math.min(place + 1, size)} records of ${group} can't be handled; ${letters} may be set aside`,
        { context: { group, letters, size } },
      );
    });
    return now;
  }

  return {
    admit(refused) {
      if (refused.includes(true)) after(refused);
    },
    move(refused) {
      places = after(refused);
      seen += refused.length;
    },
  };
}
