/** Reads the letters for a command, with a line of progress where somebody watches. */
import { type LettersRead, readLetters } from '@ticket-stream/kafka';
import type { Cluster } from '../environment/cluster.ts';
import { progressLine } from '../text/progress-line.ts';

/** @returns undefined where there is no topic of dead letters yet */
export async function lettersOf(
  { reader, names }: Cluster,
  sinceMs: number | undefined,
  signal: AbortSignal,
): Promise<LettersRead | undefined> {
  if (!(await reader.topicExists(names.deadLetters))) return undefined;
  const progress = progressLine(process.stderr);
  try {
    return await readLetters(reader, names.deadLetters, {
      ...(sinceMs === undefined ? {} : { sinceMs }),
      signal,
      onProgress: (read, of) =>
        progress.show(
          `reading ${names.deadLetters}: ${read.toLocaleString('en')} of ${of.toLocaleString('en')}`,
        ),
    });
  } finally {
    progress.end();
  }
}
