/**
 * `ticket-stream topics list | show [topic] | apply [--dry-run]`: the account's topics beside what is wanted of them.
 */
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { applyTopics } from '@ticket-stream/kafka';
import { Command } from 'commander';
import { type Cluster, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { whileShowing } from '../text/slow-work.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { changesFor, isChange } from './topic-difference.ts';
import { differenceText, topicsText, topicText } from './topics-text.ts';
import { asJson, lookAtTopics } from './topics-view.ts';

interface TopicsFlags {
  readonly json?: true;
  readonly dryRun?: true;
  readonly dataDir?: string;
}

export function topicsCommand(): Command {
  const list = withFlags(
    new Command('list').description('The topics of the account: size, records, settings.'),
  ).action((flags: TopicsFlags) => run(flags, (cluster) => listAll(cluster, flags)));
  const show = withFlags(
    new Command('show')
      .description('One topic: each setting wanted and real, each partition.')
      .argument('[topic]', 'its full name, or checkpoints, dlq; else the tickets topic'),
  ).action((given: string | undefined, flags: TopicsFlags) =>
    run(flags, (cluster) => showOne(cluster, given, flags)),
  );
  const apply = withFlags(
    new Command('apply')
      .description('Make what is missing, and set what differs; nothing else of a topic is touched.')
      .option('--dry-run', 'show what would be done; exit code 2 where that is something'),
  )
    .addHelpText(
      'after',
      `
Only the settings that are shown are set; all others stay. Partition counts are never changed: the same ticket would go to
another partition, and be seen out of its order.

Exit codes: 0 the topics are as wanted, or are now · 2 --dry-run: something differs; otherwise the cluster refused it, with
the command for who may.`,
    )
    .action((flags: TopicsFlags) => run(flags, (cluster) => applyAll(cluster, flags)));
  const command = new Command('topics').description(
    'The topics of the account, beside what is wanted of them.',
  );
  command.addCommand(list, { isDefault: true });
  command.addCommand(show);
  command.addCommand(apply);
  return command;
}

function withFlags(command: Command): Command {
  return command
    .option('--json', 'one object instead of the table; docs/replay.md describes its keys')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)');
}

async function run(flags: TopicsFlags, work: (cluster: Cluster) => Promise<ExitCode>): Promise<void> {
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  process.exitCode = await withCluster(options, 'topics', (cluster) =>
    whileShowing(
      () => 'looking at the topics',
      () => work(cluster),
    ),
  );
}

async function listAll(cluster: Cluster, { json }: TopicsFlags): Promise<ExitCode> {
  const view = await lookAtTopics(cluster);
  print(json, asJson(view), topicsText(view));
  return exitCodes.done;
}

async function showOne(
  cluster: Cluster,
  given: string | undefined,
  { json }: TopicsFlags,
): Promise<ExitCode> {
  const { tickets } = cluster.names;
  const view = await lookAtTopics(cluster);
  const names = [given ?? tickets, `${tickets}.${given}`];
  const found = view.topics.find(({ surveyed }) => names.includes(surveyed.topic));
  if (found === undefined) {
    const there = view.topics.map(({ surveyed }) => surveyed.topic).join(', ');
    throw new TicketStreamError('config.invalid', `${given} is none of the topics of ${tickets}`, {
      remedy: `There are ${there}. Nothing was changed.`,
    });
  }
  print(json, asJson({ ...view, topics: [found] }), topicText(found, view.log));
  return exitCodes.done;
}

/** @throws kafka.topic_missing, kafka.not_allowed, kafka.topic_settings  with the commands for who may */
async function applyAll(cluster: Cluster, { json, dryRun }: TopicsFlags): Promise<ExitCode> {
  const view = await lookAtTopics(cluster);
  const changes = changesFor(view.topics.map(({ surveyed }) => surveyed));
  if (dryRun !== true && isChange(changes)) await applyTopics(cluster.kafka, changes);
  const executed = dryRun !== true;
  print(json, { executed, differed: isChange(changes), ...asJson(view) }, differenceText(view, { executed }));
  return executed || !isChange(changes) ? exitCodes.done : exitCodes.configuration;
}

function print(json: true | undefined, object: object, text: string): void {
  const { stdout } = process;
  stdout.write(`${json === true ? JSON.stringify(object) : wrapLines(text, widthOf(stdout))}\n`);
}
