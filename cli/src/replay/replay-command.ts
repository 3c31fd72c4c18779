/**
 * `ticket-stream replay <group>`: lets a consumer group read from another place; docs/replay.md says when to.
 *
 * What a replay may do to others: nothing before --execute; nothing while the group has members (asked before, and the
 * coordinator refuses a commit that comes too late); with --into nothing at all to the group that is named.
 */
import { Command, InvalidArgumentError } from 'commander';
import { replay } from './replay.ts';
import { checkFlags, type ReplayFlags } from './replay-request.ts';

export function replayCommand(): Command {
  return new Command('replay')
    .description('Let a consumer group read again from another place; shows the plan, --execute does it.')
    .argument('<group>', 'search, alerting, or the full name of a group')
    .option('--to-earliest', 'to the first record of each partition')
    .option('--to-latest', 'to the end')
    .option('--to-current', 'to where it stands; what has no offset yet, to the end')
    .option('--to-offset <n>', 'to that offset, in each partition')
    .option('--to-datetime <time>', 'to the first record published then or later: 2026-01-31T08:00:00.000')
    .option('--by-duration <duration>', 'as far back: PnDTnHnMnS, such as P1D or PT6H')
    .option('--shift-by <n>', 'by so many offsets, from where it stands; - goes back')
    .option('--from-file <file>', 'to the offsets of a file, as --export prints it')
    .option('--partition <p>', 'only these partitions; several times, or 0,1,2', partitions)
    .option('--execute', 'do it; asks nothing')
    .option('--dry-run', 'show the plan alone, as without --execute')
    .option('--export', 'print the new offsets as a file for --from-file: topic,partition,offset')
    .option('--json', 'print the plan as one object; docs/replay.md describes its keys')
    .option('--wait [seconds]', 'with --execute: until the members of the group are gone (60)', seconds)
    .option('--create', 'although no such group is there: it gets its first offsets')
    .option('--into <new-group>', 'a side replay: a group of its own starts there, this one is left alone')
    .option('--until <end>', 'with --into, where it ends: now, a time, or a file of offsets')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText(
      'after',
      `
The words are those of kafka-consumer-groups --reset-offsets, and so are the offsets. A time is UTC unless it says
otherwise (…Z, …+05:30). An offset outside the log becomes the log's nearer end, and the plan says so.

Search and alerting keep their positions with their data. Back: they read again, and what they hold changes nothing.
Forward: they do not skip; ALLOW_GAP=true lets them.

A group that has members is refused, and the members are named. One that was killed counts until its session ends
(10 s with our services): --wait waits for it.

  ticket-stream replay search --to-earliest                       the plan
  ticket-stream replay search --to-earliest --execute             once search has stopped
  ticket-stream replay billing --by-duration P1D --partition 3
  ticket-stream replay billing --to-current --export > before.csv
  ticket-stream replay billing --from-file before.csv --execute   back to where it was
  ticket-stream replay billing --to-datetime 2026-01-31T00:00:00.000 --into billing-check --until now --execute

Exit codes: 0 shown or done · 2 a flag, a file or a name is wrong · 4 the group has members.`,
    )
    .action(async (group: string, flags: ReplayFlags) => {
      checkFlags(flags);
      process.exitCode = await replay(group, flags);
    });
}

function partitions(given: string, before: readonly number[] | undefined): readonly number[] {
  const numbers = given.split(',').map((text) => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN));
  if (numbers.some(Number.isNaN)) throw new InvalidArgumentError('It is a number, or several as 0,1,2.');
  return [...(before ?? []), ...numbers];
}

const WAIT_SECONDS_MAX = 86_400;

function seconds(given: string): number {
  const value = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= 1 && value <= WAIT_SECONDS_MAX) return value;
  throw new InvalidArgumentError('It is a number of seconds, 1 to 86400.');
}
