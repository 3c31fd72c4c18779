/** `ticket-stream dlq retry`: through the normal path again, with what became of it. */
import { exitCodes, TicketStreamError } from '@ticket-stream/errors';
import type { LetterRow } from '@ticket-stream/kafka';
import { Command } from 'commander';
import { type Cluster, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { harmlessText } from '../text/exact-json.ts';
import { oneLine } from '../text/line.ts';
import { progressLine } from '../text/progress-line.ts';
import { whileShowing } from '../text/slow-work.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { lettersOf } from './letter-reading.ts';
import { filterFlags, type LetterFilters, matches, namedLetters } from './letter-selection.ts';
import { fromText } from './letter-text.ts';
import { type RetriedLetter, type RetryOutcome, retryLetters } from './retry-letters.ts';

const STANDING = ['open'] as const;

interface RetryFlags extends LetterFilters {
  readonly all?: true;
  readonly wait: boolean;
  readonly dataDir?: string;
}

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('Send letters through the normal path again, and say what became of each.')
    .argument('[letter...]', 'their ids, or the beginnings of them')
    .option('--all', 'every letter that is open, or as the filters say');
  return filterFlags(command, STANDING)
    .option('--no-wait', 'do not wait for the outcomes; "list" shows them later')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText(
      'after',
      `
A consumer's letter is read again by its group, in the partition and at the offset it came from: applied, duplicate,
stale (something newer is stored by now), or a letter once more. A producer's letter is a ticket that is fetched again,
as it is now, by the producer; while none runs, this waits. Order: a retry comes after everything that was read before
it, and never takes a ticket back.

Exit code 5: a letter failed again, could not be retried, or was not sent; 2 where what is missing is a topic or a right.
Ctrl-C ends the waiting; while letters are still sent, it ends that too, and says which were not.`,
    )
    .action(async (named: string[], flags: RetryFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      await withCluster(options, 'dlq', async (cluster) => {
        process.exitCode = await untilInterrupted((signal) => retry(cluster, named, flags, signal));
      });
    });
}

async function retry(
  cluster: Cluster,
  named: readonly string[],
  flags: RetryFlags,
  signal: AbortSignal,
): Promise<number> {
  const read = await lettersOf(cluster, named.length > 0 ? undefined : flags.since, signal);
  const all = [...(read?.rows.rows() ?? [])];
  const rows = chosen(all, named, flags, cluster.names.tickets);
  const { stdout, stderr } = process;
  if (rows.length === 0 || read === undefined) {
    stdout.write('No such dead letter.\n');
    return exitCodes.done;
  }
  const progress = progressLine(stderr);
  const counts = new Map<RetryOutcome, number>();
  let topicRefused: TicketStreamError | undefined;
  let sentSoFar = 0;
  let waitingFor: ReadonlyMap<string, LetterRow> = new Map();
  const work = () =>
    retryLetters({
      ...{ cluster, rows, from: read.nextOffsets, wait: flags.wait, signal },
      onOutcome(letter) {
        counts.set(letter.outcome, (counts.get(letter.outcome) ?? 0) + 1);
        progress.end();
        stdout.write(`${wrapLines(outcomeText(letter), widthOf(stdout))}\n`);
      },
      onProgress(sent, pending) {
        sentSoFar = sent;
        waitingFor = pending;
        progress.show(
          `${sent} of ${rows.length} sent, waiting for ${pending.size} (Ctrl-C ends the waiting)`,
        );
      },
      onIdleGroup(group, topic) {
        progress.end();
        const idle = `No member of ${oneLine(group)} runs now; its letters wait in ${topic} until one does.`;
        stderr.write(`${wrapLines(idle, widthOf(stderr))}\n`);
      },
      onRefusedTopic(why) {
        topicRefused ??= why;
        progress.end();
        const text = harmlessText(`${why.message}\n  → ${why.remedy}`);
        stderr.write(`${wrapLines(text, widthOf(stderr))}\n`);
      },
    });
  const doing = (): string => `${sentSoFar} of ${rows.length} sent${waitingText(waitingFor.values())}`;
  try {
    // A terminal has its line of progress; the log of a job gets a line a spell.
    await (stderr.isTTY === true ? work() : whileShowing(doing, work));
  } finally {
    // Also before what ended it is told: some may be on their way.
    progress.end();
    if (counts.size > 0) stdout.write(`${summary(counts)}\n`);
  }
  if (topicRefused !== undefined) return topicRefused.exitCode;
  return NOT_DONE.some((outcome) => counts.has(outcome)) ? exitCodes.dataAtRisk : exitCodes.done;
}

const NOT_DONE = ['failed', 'refused', 'unsent'] as const;

/** ", waiting for the producer (1), tickets.search.1 (2)": who does not run makes this wait for ever. */
function waitingText(pending: Iterable<LetterRow>): string {
  const readers = Map.groupBy(pending, ({ origin }) =>
    origin?.kind === 'record' ? oneLine(origin.group) : 'the producer',
  );
  if (readers.size === 0) return '';
  const parts = [...readers].map(([reader, { length }]) => `${reader} (${length.toLocaleString('en')})`);
  return `, waiting for ${parts.join(', ')}`;
}

/** "3 applied, 1 not sent." */
function summary(counts: ReadonlyMap<RetryOutcome, number>): string {
  const parts = [...counts].map(([outcome, number]) => `${number.toLocaleString('en')} ${WORDS[outcome]}`);
  return `${parts.join(', ')}.`;
}

/** @throws config.invalid  neither ids nor filters, or both */
function chosen(
  all: readonly LetterRow[],
  named: readonly string[],
  flags: RetryFlags,
  tickets: string,
): readonly LetterRow[] {
  const { code, group, origin, since, until, state } = flags;
  const filtered = [code, group, origin, since, until, state].some((each) => each !== undefined);
  if (named.length > 0 && (filtered || flags.all === true)) {
    throw new TicketStreamError(
      'config.invalid',
      'a retry is of the letters named, or of those that filters find',
      {
        remedy: 'Leave out the ids, or --all and the filters. Nothing was sent.',
      },
    );
  }
  if (named.length > 0) return namedLetters(all, named);
  if (!filtered && flags.all !== true) {
    throw new TicketStreamError('config.invalid', 'a retry needs to know of which letters', {
      remedy: 'Name them by id, or give --all or a filter such as --code. Nothing was sent.',
    });
  }
  return all.filter((row) => matches(row, { ...flags, state: state ?? STANDING }, tickets));
}

const WORDS: Readonly<Record<RetryOutcome, string>> = {
  applied: 'applied',
  duplicate: 'duplicate',
  stale: 'stale',
  skipped: 'skipped',
  dropped: 'dropped',
  failed: 'failed again',
  refused: 'not retried',
  sent: 'on the way',
  unsent: 'not sent',
};
const WORD_WIDTH = Math.max(...Object.values(WORDS).map(({ length }) => length));

function outcomeText({ row, outcome, detail }: RetriedLetter): string {
  const what = row.ticketId === undefined ? fromText(row) : `ticket ${row.ticketId}, ${fromText(row)}`;
  const text = oneLine(detail === undefined ? what : `${what}: ${detail}`);
  return `${row.id}  ${WORDS[outcome].padEnd(WORD_WIDTH)}  ${text}`;
}
