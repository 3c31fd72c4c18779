import type { LetterRow } from '@ticket-stream/kafka';

/** An open letter of which nothing is known but what is given. */
export function letterRow(given: Partial<LetterRow> & Pick<LetterRow, 'key'>): LetterRow {
  return {
    ...{ id: '3f8c8fcb', state: 'open', code: 'record.invalid_value', cause: 'no JSON' },
    ...{ origin: undefined, ticketId: undefined, whole: undefined, fetchAgain: undefined },
    ...{ letters: 1, firstAtMs: 0, lastAtMs: 0, stateAtMs: 0 },
    ...{ by: undefined, reason: undefined, bytesAt: undefined },
    ...given,
  };
}
