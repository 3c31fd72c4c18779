const DETAIL_CHARS_MAX = 200;

/** What Node or undici calls a failure: its code, or its name where it has none. */
function failureCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
}

/**
 * What an error of ours tells of the failure under it. Its message and code, never the error itself as `cause`:
 * undici's parser error carries the bytes it stumbled over, which may be a ticket's, and causes are logged.
 */
export function failureContext(error: unknown): { readonly reason: string; readonly detail: string } {
  const message = error instanceof Error ? error.message : '';
  return { reason: failureCode(error), detail: message.slice(0, DETAIL_CHARS_MAX) };
}
