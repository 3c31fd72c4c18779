import { createInterface } from 'node:readline/promises';
import { TicketStreamError } from '@ticket-stream/errors';

interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };
}

/**
 * Asks on the terminal; only the word counts. Ctrl-C and Ctrl-D say no.
 * @param doing  what asks, as the subject of a sentence: "a drop"
 * @throws config.invalid  nobody is there to be asked
 */
export async function confirmed(doing: string, { stdin, stdout }: Terminal = process): Promise<boolean> {
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    throw new TicketStreamError('config.invalid', `${doing} asks first, and this is no terminal`, {
      remedy: 'Give --yes when what stands above is what you want. Nothing was changed.',
    });
  }
  const terminal = createInterface({ input: stdin, output: stdout });
  try {
    return (await terminal.question('Type "yes" to do so: ')).trim().toLowerCase() === 'yes';
  } catch (error) {
    // Ctrl-C and Ctrl-D are keys here, no signal and no end: an answer, which is not the word.
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    stdout.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}
