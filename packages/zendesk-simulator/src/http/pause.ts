import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** @throws Error  when the connection ends meanwhile; it is then not waited for */
export async function pause(ms: number, response: ServerResponse): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  response.once('close', end);
  try {
    if (response.destroyed) end();
    await wait(ms, undefined, { signal: ended.signal });
  } catch (cause) {
    throw new Error('the connection ended before the page did', { cause });
  } finally {
    response.off('close', end);
  }
}
