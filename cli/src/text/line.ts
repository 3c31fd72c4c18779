import stringWidth from 'string-width';

/**
 * Text on one line, as nothing but text: a ticket's subject comes from outside, and could otherwise move the cursor,
 * recolour the screen, or show itself backwards.
 */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\s]+/gu, ' ').trim();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Never cut between the parts of what is seen as one character, and a wide one counts for two. */
export function cutToWidth(text: string, width: number | undefined): string {
  if (width === undefined || stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

export function fillToWidth(text: string, width: number): string {
  const shown = cutToWidth(text, width);
  return shown + ' '.repeat(Math.max(0, width - stringWidth(shown)));
}
