/** What is read of an answer's head, whatever it answers. */
import type { Dispatcher } from 'undici';
import { type RetryAfter, readRetryAfter } from './retry-after.ts';

type Head = Pick<Dispatcher.ResponseData, 'headers'>;

/** The first value, where a header came more than once. */
export function headerOf({ headers }: Head, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The server's clock, as its `Date` has it: epoch milliseconds in whole seconds; undefined where it cannot be read. */
export function dateMsOf(head: Head): number | undefined {
  const dateMs = Date.parse(headerOf(head, 'date') ?? '');
  return Number.isNaN(dateMs) ? undefined : dateMs;
}

/** How long it asks to wait; undefined where it does not say. */
export function retryAfterOf(head: Head): RetryAfter | undefined {
  return readRetryAfter(headerOf(head, 'retry-after'), dateMsOf(head) ?? Date.now());
}
