/**
 * JSON whose large integers keep their digits: a custom field has 64 bits, a double 53. `JSON.rawJSON` is newer than
 * the compiler's library files know.
 */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

type ReviverContext = { readonly source?: string };

/** @throws SyntaxError  as `JSON.parse` does */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, ((_key: string, value: unknown, context?: ReviverContext) => {
    const digits = context?.source;
    return typeof value === 'number' &&
      digits !== undefined &&
      /^-?\d+$/.test(digits) &&
      !Number.isSafeInteger(value)
      ? rawJSON(digits)
      : value;
  }) as (key: string, value: unknown) => unknown);
}
