import { type ErrorCode, TicketStreamError } from '@ticket-stream/errors';
import { expect } from 'vitest';

/** The error of ours that a step ends with; anything else fails the test. */
export async function thrownBy(step: Promise<unknown>): Promise<TicketStreamError> {
  const error = await step.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TicketStreamError))
    throw new Error(`expected one of our errors, got ${String(error)}`);
  return error;
}

export const errorOf = (code: ErrorCode, exitCode: number): unknown =>
  expect.objectContaining({ code, exitCode });
