import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 25;

/** Waits for a condition, not for time. @throws after `withinMs`, saying what did not come */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(POLL_MS);
  }
}
