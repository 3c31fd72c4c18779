import { fc, test } from '@fast-check/vitest';
import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { deadLetterWindow } from './dead-letter-window.ts';
import { logRecord, ticket } from './testing/log-record.ts';

const error = new TicketStreamError('record.invalid_value', 'it is not JSON');
const piece = (letters: readonly boolean[]) =>
  letters.map((isLetter, offset) =>
    isLetter ? { record: logRecord(ticket(1, 1), offset), error } : undefined,
  );
const records = (...letters: number[]) => piece(letters.map((letter) => letter === 1));

describe('the window of dead letters', () => {
  it('refuses the letter that is one too many, before anything of its piece is set aside', () => {
    const window = deadLetterWindow({ size: 5, letters: 2 }, 'tickets.mine');
    window.move(records(1, 0, 1));
    expect(() => window.admit(records(0, 1))).toThrow(
      expect.objectContaining({ code: 'subscriber.too_many_dead_letters', exitCode: 5 }),
    );
    expect(() => window.admit(records(0, 1))).toThrow(/3 of the last 5 records of tickets.mine/);
  });

  it('names the first record that the piece would set aside: nothing else may ever tell of it', () => {
    const window = deadLetterWindow({ size: 5, letters: 1 }, 'tickets.mine');
    expect(() => window.admit(records(0, 0, 1, 1))).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('offset 2 of partition 0: record.invalid_value, it is not JSON'),
        context: expect.objectContaining({ partition: 0, offset: '2', refusedWith: 'record.invalid_value' }),
        cause: error,
      }),
    );
  });

  it('forgets a letter when it has gone on by its size', () => {
    const window = deadLetterWindow({ size: 5, letters: 2 }, 'tickets.mine');
    window.move(records(1, 1, 0, 0, 0));
    window.admit(records(1, 1));
    expect(() => window.admit(records(1, 1, 1))).toThrow();
  });

  test.prop([fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), fc.nat(4)])(
    'stops exactly where some run of that many records holds more letters than allowed, however it is cut',
    (log, size, letters) => {
      const stopsAt = log.findIndex(
        (_, end) => log.slice(Math.max(0, end + 1 - size), end + 1).filter(Boolean).length > letters,
      );
      const window = deadLetterWindow({ size, letters }, 'tickets.mine');
      let stopped = -1;
      for (let at = 0; at < log.length && stopped < 0; at += 1) {
        const one = piece(log.slice(at, at + 1));
        try {
          window.admit(one);
          window.move(one);
        } catch {
          stopped = at;
        }
      }
      expect(stopped).toBe(stopsAt);
      const whole = deadLetterWindow({ size, letters }, 'tickets.mine');
      if (stopsAt < 0) whole.admit(piece(log));
      else expect(() => whole.admit(piece(log))).toThrow();
    },
  );
});
