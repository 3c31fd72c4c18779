/** What may happen to the bytes of a page, for tests: positions count from its start, and round its end. */
export type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly byte: number }
  | { readonly kind: 'drop' | 'double'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  /** `length` bytes from `from` once more at `at`: parts of a page where they do not belong. */
  | { readonly kind: 'splice'; readonly at: number; readonly from: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number };

/** What JSON is made of does more harm than any byte. */
export const SIGNIFICANT = '{}[]",:\\ 0-.eu\n';
export const INSERTS = [
  '"tickets":[],',
  '"users":[{"id":1}],',
  '{}',
  ',null',
  '\u00ff',
  '\u0000',
  '\\',
  '"',
  '[[[[',
  '\u00ef\u00bb\u00bf',
] as const;

export function damage(page: Buffer, changes: readonly Damage[]): Buffer {
  return changes.reduce((bytes, change) => (bytes.length === 0 ? bytes : damageOnce(bytes, change)), page);
}

function damageOnce(page: Buffer, change: Damage): Buffer {
  const at = change.at % page.length;
  switch (change.kind) {
    case 'flip': {
      const flipped = Buffer.from(page);
      flipped[at] = change.byte;
      return flipped;
    }
    case 'drop':
      return Buffer.concat([page.subarray(0, at), page.subarray(at + change.length)]);
    case 'double':
      return Buffer.concat([page.subarray(0, at + change.length), page.subarray(at)]);
    case 'insert':
      return Buffer.concat([page.subarray(0, at), Buffer.from(change.text, 'latin1'), page.subarray(at)]);
    case 'splice': {
      const from = change.from % page.length;
      const part = page.subarray(from, from + change.length);
      return Buffer.concat([page.subarray(0, at), part, page.subarray(at)]);
    }
    case 'cut':
      return page.subarray(0, at);
  }
}
