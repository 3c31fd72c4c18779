import { describe, expect, it } from 'vitest';
import { firstLines, wrapLines } from './terminal.ts';

describe('text on a terminal', () => {
  it('is broken between words, and not at all elsewhere', () => {
    const text = 'short\nWhat is longer than the terminal is wide goes on below';
    expect(wrapLines(text, 30)).toBe(
      ['short', 'What is longer than the', '    terminal is wide goes on', '    below'].join('\n'),
    );
    expect(wrapLines(text, undefined)).toBe(text);
  });

  it('keeps its first lines where it is too high', () => {
    expect(firstLines('1\n2\n3', 3)).toBe('1\n2\n3');
    expect(firstLines('1\n2\n3\n4', 3)).toBe('1\n2\n… and 2 more lines');
  });
});
