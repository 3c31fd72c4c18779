/**
 * Text as the index sees it: one function for what is stored and what is asked, so that both become the same words.
 *
 * FTS5's `unicode61` finds words between blanks and marks. Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese and
 * Tibetan put none between their words (or, Korean, endings behind them), so a run of these letters is cut into
 * overlapping pairs, 東京都 → 東京 京都 都, and asked for as the phrase of its pairs. A query is then found wherever it stands in
 * the text, as a substring. Rejected: `Intl.Segmenter`, whose dictionary cuts the same word differently in another
 * sentence, so that a query may miss a ticket that holds it, and another release of Node would cut differently from
 * the index; FTS5's `trigram`, which cannot find words of one or two letters, and these languages have many.
 */
const UNSPACED =
  /[[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]&&[\p{L}\p{M}\p{N}]]--[\u0300-\u036f]]+/gv;
const BEYOND_ASCII = /[^\0-\x7f]/;
/** Begins every word that stands for a tag, so that no text can be taken for one. */
const MARK = '\ue000';
/** FTS5 reads an expression up to the first NUL. */
const QUOTE_OR_NUL = /["\0]/g;
const MARKS = /\ue000/g;

/** @returns the text with blanks between what is to be found as words */
export function searchableText(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  return plain(text).replace(UNSPACED, (run) => ` ${pairs(run, true).join(' ')} `);
}

/**
 * An FTS5 phrase that finds this text in what `searchableText` made.
 * @returns undefined where nothing of the text is a word
 */
export function textPhrase(text: string, prefix: boolean): string | undefined {
  let words = text;
  let goesOn = prefix;
  if (BEYOND_ASCII.test(text)) {
    const normal = plain(text);
    words = normal.replace(UNSPACED, (run, index: number) => {
      // What follows the last run of a query is not known: the stored run may go on where the query ends.
      const last = !/[\p{L}\p{N}]/u.test(normal.slice(index + run.length));
      const cut = pairs(run, !last);
      if (last && cut.length === 1 && [...run].length === 1) goesOn = true;
      return ` ${cut.join(' ')} `;
    });
  }
  if (!/[\p{L}\p{N}]/u.test(words)) return undefined;
  return `"${words.replace(QUOTE_OR_NUL, ' ')}"${goesOn ? ' *' : ''}`;
}

/** NFKC: full-width Ｒｅｆｕｎｄ and half-width ｶﾞ are written as anybody would type them. */
function plain(text: string): string {
  return text.normalize('NFKC').replace(MARKS, ' ');
}

function pairs(run: string, whole: boolean): string[] {
  const letters = [...run];
  const cut: string[] = [];
  for (let at = 0; at + 1 < letters.length; at++) cut.push(`${letters[at]}${letters[at + 1]}`);
  // The last letter alone, so that it is found by itself and nothing stands next to the run that does not.
  const last = letters.at(-1);
  if (last !== undefined && (whole || letters.length === 1)) cut.push(last);
  return cut;
}

/**
 * A tag as one word of the index: its bytes in hex, so that no tokenizer splits it at `-` or `:`, closed by a digit,
 * so that the stemmer, which looks at endings in letters, leaves it alone.
 */
export function tagMark(tag: string): string {
  return `${MARK}${Buffer.from(tag.toLowerCase().normalize('NFC'), 'utf8').toString('hex')}0`;
}

/** On every document: FTS5 cannot ask for "all but". */
export const everyMark = `${MARK}all0`;
/** On documents without a tag. */
export const untaggedMark = `${MARK}none0`;
