import { createInterface } from 'node:readline/promises';
import { TicketStreamError } from '@ticket-stream/errors';

/**
 * Asks on the terminal; only the word counts.
 * @param doing  what asks, as the subject of a sentence: "a drop"
 * @throws config.invalid  nobody is there to be asked
 */
export async function confirmed(doing: string): Promise<boolean> {
  const { stdin, stdout } = process;
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    throw new TicketStreamError('config.invalid', `${doing} asks first, and this is no terminal`, {
      remedy: 'Give --yes when what stands above is what you want. Nothing was changed.',
    });
  }
  const terminal = createInterface({ input: stdin, output: stdout });
  try {
    return (await terminal.question('Type "yes" to do so: ')).trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}
