/** `ticket-stream tail`: the tickets topic like `tail -f`. */
import { type Condition, compileCondition } from '@ticket-stream/condition';
import { exitCodes } from '@ticket-stream/errors';
import { Command, InvalidArgumentError } from 'commander';
import { type Cluster, requireTickets, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { wholeNumber } from '../environment/number-flag.ts';
import { markQuery } from '../query-mark.ts';
import { count } from '../text/count.ts';
import { pipedOutput } from '../text/piped-output.ts';
import { progressLine } from '../text/progress-line.ts';
import { widthOf } from '../text/terminal.ts';
import { type TailCounts, tail } from './tail.ts';
import { type FieldPath, humanLine, jsonLine } from './tail-lines.ts';
import { type RangeFlags, readRange } from './tail-range.ts';

interface TailFlags extends RangeFlags {
  readonly where?: Condition;
  readonly fields?: readonly FieldPath[];
  readonly limit?: number;
  readonly json?: true;
  readonly dataDir?: string;
}

export function tailCommand(): Command {
  return new Command('tail')
    .description(
      'Follow the tickets topic, like tail -f: every change as it comes, or those of a stretch of time.',
    )
    .option(
      '--from <place>',
      'earliest, latest, an offset, a date or time, or so long ago: 90s, 15m, 2h',
      'latest',
    )
    .option('--until <place>', 'now, an offset, a date or time, or so long ago; else until Ctrl-C')
    .option('--key <id>', 'this ticket alone; reads its partition only', ticketId)
    .option('--where <condition>', 'what a rule of alerting asks, in CEL', condition)
    .option('--fields <paths>', 'these fields alone, such as status,satisfaction_rating.score', fieldPaths)
    .option('--json', 'one object a line, with the ticket byte for byte')
    .option('--partition <n>', 'this partition alone', wholeNumber(0))
    .option('--limit <n>', 'end after so many', wholeNumber(1))
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText(
      'after',
      `
  ticket-stream tail --where "ticket.priority == 'urgent' && ticket.status != 'solved'"
  ticket-stream tail --from 2h --where "'status' in changed" --fields status,assignee_id
  ticket-stream tail --from earliest --until now --key 35436 --json | jq .ticket.status

A condition sees ticket, previous and changed, as a rule of alerting does: what is not there is null. previous is the
version seen before in this run; a condition that speaks of previous or changed does not hold for a ticket seen for the
first time, unless it was created since the first record read. A line ends with the fields that changed, in brackets.
Times are those of publication, in UTC.

Order: a ticket's versions come in the order of the log; different tickets by their time as far as they were fetched
together. --json has the keys partition, offset, publishedAt, ticketId, kind, updatedStamp, digest and ticket (or
fields); a record that is no ticket has problem and valueBase64.`,
    )
    .action(async (flags: TailFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      await withCluster(options, 'tail', async (cluster) => {
        await untilInterrupted((signal) => runTail(cluster, flags, signal));
      });
      process.exitCode = exitCodes.done;
    });
}

async function runTail(cluster: Cluster, flags: TailFlags, interrupted: AbortSignal): Promise<void> {
  await requireTickets(cluster);
  const { reader } = cluster;
  const topic = cluster.names.tickets;
  const range = await readRange(reader, topic, flags, Date.now());
  const { stdout, stderr } = process;
  const output = pipedOutput(stdout);
  const progress = progressLine(stderr);
  const { fields = [], limit = Number.POSITIVE_INFINITY } = flags;
  const style = { fields, width: widthOf(stdout) };
  const isJson = flags.json === true;
  const counts = await tail({
    ...{ reader, topic, range, where: flags.where, key: flags.key, limit },
    showsChanges: !isJson && fields.length === 0,
    signal: AbortSignal.any([interrupted, output.closed]),
    async show(record) {
      progress.end();
      await output.write(isJson ? jsonLine(record, style) : `${humanLine(record, style)}\n`);
    },
    onProgress: (found) => progress.show(progressText(found)),
    onWaiting(reason) {
      progress.end();
      stderr.write(reason === undefined ? 'Kafka answers again.\n' : `waiting for Kafka: ${reason}\n`);
    },
  });
  progress.end();
  if (interrupted.aborted || stderr.isTTY === true) stderr.write(`${summary(counts)}\n`);
  if (counts.failed > 0) {
    const times = count(counts.failed, 'record', 'records');
    stderr.write(`The condition could not be asked of ${times}: ${counts.failure}\n`);
  }
}

function progressText({ read, shown, lastAtMs }: TailCounts): string {
  const upTo = lastAtMs === undefined ? '' : `, up to ${moment(lastAtMs)}`;
  return `${count(read, 'record', 'records')} read${upTo}; ${shown.toLocaleString('en')} shown`;
}

function summary(counts: TailCounts): string {
  const { read, shown, lastAtMs } = counts;
  const last = lastAtMs === undefined ? '' : `; the last of ${moment(lastAtMs)}`;
  return `${shown.toLocaleString('en')} of ${count(read, 'record', 'records')} shown${last}.`;
}

function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function condition(given: string): Condition {
  const compiled = compileCondition(given);
  if ('holds' in compiled) return compiled;
  const lines = compiled.map(({ offset, cause }) =>
    [`${cause}:`, ...markQuery(given, offset, 1).map((line) => `  ${line}`)].join('\n'),
  );
  throw new InvalidArgumentError(`\n${lines.join('\n')}`);
}

function fieldPaths(given: string): readonly FieldPath[] {
  const paths = given
    .split(',')
    .map((path) => path.trim().split('.'))
    .filter((path) => path.join('') !== '');
  if (paths.length === 0) throw new InvalidArgumentError('It names no field.');
  return paths;
}

function ticketId(given: string): string {
  if (/^[1-9]\d{0,18}$/.test(given)) return given;
  throw new InvalidArgumentError("It must be a ticket's id, in digits.");
}
