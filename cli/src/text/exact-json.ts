/** JSON read and written again with its numbers digit for digit: an id or a custom field may be beyond 2^53. */

// Node 24 has both; its types of JSON do not say so yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
type Reviver = (this: unknown, key: string, value: unknown) => unknown;

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return String(value) === context.source ? value : rawJSON(context.source);
}

/** @throws SyntaxError  it is not JSON. What it returns is for `JSON.stringify` alone. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, exactly as Reviver);
}

/** Indented, and harmless on a terminal. */
export function prettyJson(value: unknown): string {
  return harmlessText(JSON.stringify(value, undefined, 2));
}

/** What could move a terminal's cursor or turn its text around is written as JSON's escape; lines and tabs stay. */
export function harmlessText(text: string): string {
  return text.replace(
    /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
