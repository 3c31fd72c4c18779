import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { expect, it } from 'vitest';
import { CannotApply, RetryLater } from './errors.ts';

it.for([
  [RetryLater, 'sink.unavailable', 'retry'],
  [CannotApply, 'sink.cannot_apply', 'dead_letter'],
] as const)(
  '%o is one of ours, with its code, disposition, cause and context',
  ([Thrown, code, disposition]) => {
    const cause = new Error('what the sink said');
    const error = new Thrown('the sink refuses', { cause, context: { status: 503 } });
    expect(error).toBeInstanceOf(TicketStreamError);
    expect(isTicketStreamError(error, code)).toBe(true);
    expect(error).toMatchObject({ name: Thrown.name, code, disposition, cause, context: { status: 503 } });
    expect(error.remedy).not.toBe('');
  },
);
