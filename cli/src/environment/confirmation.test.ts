import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirmed } from './confirmation.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/** A terminal on which this is typed at the question. */
async function answered(typed: string): Promise<{ readonly answer: boolean; readonly shown: string }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let shown = '';
  stdout.on('data', (text: Buffer) => {
    shown += text.toString();
  });
  const answer = confirmed('a drop', { stdin, stdout });
  stdin.write(typed);
  return { answer: await answer, shown };
}

describe('a question before something is changed', () => {
  it.each(['yes', 'YES', '  yes '])('takes "%s" for the word', async (typed) => {
    const { answer, shown } = await answered(`${typed}\r`);
    expect(answer).toBe(true);
    expect(shown).toContain('Type "yes" to do so: ');
  });

  it.each(['', 'y', 'no', 'yess', 'oui', 'true'])('takes "%s" for a no', async (typed) => {
    expect((await answered(`${typed}\r`)).answer).toBe(false);
  });

  it.each([
    ['Ctrl-C', CTRL_C],
    ['Ctrl-C behind the word', `yes${CTRL_C}`],
    ['Ctrl-D', CTRL_D],
  ])('takes %s for a no, and what is said then begins a line', async (_name, typed) => {
    const { answer, shown } = await answered(typed);
    expect(answer).toBe(false);
    expect(shown).toMatch(/\n$/);
  });

  it('is not asked where nobody sees it or can answer', async () => {
    for (const [input, output] of [
      [true, false],
      [false, true],
    ]) {
      const stdin = Object.assign(new PassThrough(), { isTTY: input });
      const stdout = Object.assign(new PassThrough(), { isTTY: output });
      await expect(confirmed('a drop', { stdin, stdout })).rejects.toMatchObject({
        code: 'config.invalid',
        message: 'a drop asks first, and this is no terminal',
      });
    }
  });
});
