/**
 * Where a character of a YAML scalar's value stands in the file. YAML folds, unescapes and unindents, so value and
 * source are walked side by side: what is equal moves both; what the source has more (indent, a quote's escape, a
 * folded line end) is stepped over. Exact for plain, quoted and block scalars; within an escape such as `\u0041` it
 * may point a few columns off.
 *
 * @param source       the file
 * @param sourceStart  first character of the scalar's content (after a quote, on the line after `|` or `>`)
 * @param value        the scalar's value
 * @param offset       place in the value
 * @returns            place in the file
 */
export function placeInSource(source: string, sourceStart: number, value: string, offset: number): number {
  let at = sourceStart;
  for (let index = 0; index < offset && index < value.length; index++) {
    at = skipToMatch(source, at, value.charAt(index)) + 1;
  }
  // The asked-for character may itself stand behind an indent; the end of the value has nothing to look for.
  return offset < value.length ? skipToMatch(source, at, value.charAt(offset)) : at;
}

/** How far source and value may differ between two characters: an indent, a few blank lines. */
const GAP_CHARS_MAX = 1000;

function skipToMatch(source: string, from: number, char: string): number {
  for (let at = from; at < source.length && at < from + GAP_CHARS_MAX; at++) {
    const found = source.charAt(at);
    if (found === char || (isBlank(char) && isBlank(found))) return at;
    if (!isBlank(found) && found !== '\\' && found !== "'") return from;
  }
  return from;
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\n' || char === '\r' || char === '\t';
}
