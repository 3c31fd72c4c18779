import type { CursorPosition } from '../history/export-pages.ts';

/** As recorded: base64 of `{generated_timestamp}.0||{ticket id}|`; clients are to take it as opaque. */
export function encodeCursor({ second, id }: CursorPosition): string {
  return Buffer.from(`${second}.0||${id}|`).toString('base64');
}

/** @returns undefined for what this simulator never gave out */
export function decodeCursor(cursor: string): CursorPosition | undefined {
  const text = Buffer.from(cursor, 'base64').toString('latin1');
  const [, second, id] = /^(\d{1,12})\.0\|\|(\d{1,15})\|$/.exec(text) ?? [];
  if (second === undefined || id === undefined) return undefined;
  const position = { second: Number(second), id: Number(id) };
  // Node decodes what is not quite base64, too.
  return encodeCursor(position) === cursor ? position : undefined;
}
