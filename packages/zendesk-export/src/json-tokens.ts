import { StringDecoder } from 'node:string_decoder';
import { getManyValues, none } from 'stream-chain/core';
import { jsonParser, type Token } from 'stream-json/core/parser.js';

/**
 * stream-json over text that comes in pieces: the tokens of each piece, at once and in order.
 *
 * Values are streamed, never packed: the parser then holds a piece of a string or number at a time, however long the
 * whole is, and who wants a value puts it together with a limit of his own. (A string that lies within one piece
 * still comes as one token.) `jsonParser` is called as the function it is; as a Node stream it takes five times as long.
 */
export class JsonTokens {
  readonly #parse = jsonParser({ packValues: false, streamValues: true });
  readonly #decoder = new StringDecoder('utf8');

  /** UTF-8 in any cut; an incomplete character waits for the next call. Invalid UTF-8 becomes U+FFFD. */
  decode(bytes: Buffer): string {
    return this.#decoder.write(bytes);
  }

  /** @throws Error  not JSON; the message quotes nothing of the text */
  write(text: string): readonly Token[] {
    return text === '' ? [] : values(this.#parse(text));
  }

  /** The text's end. @throws Error  the document is not complete */
  end(): readonly Token[] {
    const rest = this.write(this.#decoder.end());
    return [...rest, ...values(this.#parse(END))];
  }
}

/** stream-chain's mark for the end of a stream, which the parser's declared type leaves out. */
const END = none as unknown as string;

function values(output: ReturnType<ReturnType<typeof jsonParser>>): readonly Token[] {
  return output === none ? [] : getManyValues(output as Exclude<typeof output, typeof none>);
}
