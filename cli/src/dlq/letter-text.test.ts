import type { LetterRow } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { letterTable } from './letter-text.ts';

const letter: LetterRow = {
  ...{ id: '3f8c8fcb', key: 'a key', state: 'open', code: 'record.invalid_headers' },
  cause: 'the key of the record is not a ticket id in decimal digits',
  origin: {
    ...{ kind: 'record', group: 'tickets.search.f45dcc7e', topic: 'tickets' },
    ...{ partition: 8, offset: 172n, recordKey: null },
  },
  ...{ ticketId: undefined, whole: undefined, fetchAgain: undefined, letters: 2 },
  ...{ firstAtMs: 0, lastAtMs: Date.UTC(2026, 10, 24), stateAtMs: 0 },
  ...{ by: undefined, reason: undefined, bytesAt: undefined },
};

describe('the table of letters', () => {
  it('has a line a letter, whole where it goes into a pipe', () => {
    const whole =
      '3f8c8fcb  2026-11-24 00:00:00  open   record.invalid_headers  tickets.search.f45dcc7e 8@172  -           2  ';
    expect(letterTable([letter], undefined)[1]).toBe(whole + letter.cause);
    expect(letterTable([letter], 140)[1]).toBe(`${whole}the key of the record is not a…`);
  });

  it('has two where the terminal is too narrow, no line wider than it', () => {
    expect(letterTable([letter], 80)).toEqual([
      'ID        LAST WRITTEN (UTC)   STATE  CODE                    TICKET  TIMES',
      '3f8c8fcb  2026-11-24 00:00:00  open   record.invalid_headers  -           2',
      '          tickets.search.f45dcc7e 8@172: the key of the record is not a ticket…',
    ]);
  });
});
