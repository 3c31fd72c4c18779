import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { onTerminal, watchView } from './watch-view.ts';

/** Looks once for each answer, and ends with the last. */
async function drawn(answers: readonly (string | Error)[]): Promise<[view: string, note: string][]> {
  const ended = new AbortController();
  const seen: [string, string][] = [];
  let looks = 0;
  await watchView({
    async look() {
      const answer = answers[looks++];
      if (looks === answers.length) ended.abort();
      if (answer instanceof Error) throw answer;
      return answer ?? '';
    },
    draw: (view, note) => seen.push([view, note]),
    ...{ everyMs: 1, signal: ended.signal },
  });
  return seen;
}

describe('a view that is watched', () => {
  it('keeps the last one while the cluster is away, says so, and goes on', async () => {
    const away = new TicketStreamError('kafka.unavailable', 'connection refused');
    expect(await drawn(['one', away, 'two'])).toEqual([
      ['one', expect.stringMatching(/^20\S+Z, again every/)],
      ['one', expect.stringMatching(/^20\S+Z, now waiting for Kafka: connection refused; again every/)],
      ['two', expect.stringMatching(/^20\S+Z, again every/)],
    ]);
  });

  it('ends with every other error', async () => {
    await expect(drawn(['one', new TicketStreamError('kafka.not_allowed', 'no')])).rejects.toMatchObject({
      code: 'kafka.not_allowed',
    });
  });

  it('fits the terminal, heading and note included', () => {
    const view = ['HEADING', ...Array.from({ length: 30 }, (_, at) => `row ${at}`)].join('\n');
    const lines = onTerminal(view, 'the note', { columns: 80, rows: 10 }).split('\n');
    expect(lines).toEqual([
      ...['HEADING', 'row 0', 'row 1', 'row 2', 'row 3', 'row 4', '… and 25 more lines', '', 'the note'],
    ]);
  });
});
