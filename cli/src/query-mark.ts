import stringWidth from 'string-width';

/**
 * A query and, below it, a mark under the place that is wrong.
 * @param position  in UTF-16 units from 0, as the search service counts
 */
export function markQuery(query: string, position: number, length: number): [query: string, mark: string] {
  const before = oneLine(query.slice(0, position));
  const wrong = oneLine(query.slice(position, position + length));
  return [
    before + wrong + oneLine(query.slice(position + length)),
    ' '.repeat(stringWidth(before)) + '^'.repeat(Math.max(1, stringWidth(wrong))),
  ];
}

/** A control character would move the mark or the cursor; a blank takes its place. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}
