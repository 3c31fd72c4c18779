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
  ).action((flags: TopicsFlags) => run(flags, listAll));
  const show = withFlags(
    new Command('show')
      .description('One topic: each setting wanted and real, each partition.')
      .argument('[topic]', 'its full name, or checkpoints, dlq; else the tickets topic'),
  ).action((given: string | undefined, flags: TopicsFlags) =>
    run(flags, (cluster) => showOne(cluster, given)),
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

interface Answer {
  readonly json: object;
  readonly text: string;
  readonly exitCode: ExitCode;
}

async function run(flags: TopicsFlags, work: (cluster: Cluster) => Promise<Answer>): Promise<void> {
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  const { json, text, exitCode } = await withCluster(options, 'topics', (cluster) =>
    whileShowing(
      () => 'looking at the topics',
      () => work(cluster),
    ),
  );
  const { stdout } = process;
  stdout.write(`${flags.json === true ? JSON.stringify(json) : wrapLines(text, widthOf(stdout))}\n`);
  process.exitCode = exitCode;
}

async function listAll(cluster: Cluster): Promise<Answer> {
  const view = await lookAtTopics(cluster);
  return { json: asJson(view), text: topicsText(view), exitCode: exitCodes.done };
}

async function showOne(cluster: Cluster, given: string | undefined): Promise<Answer> {
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
  return {
    json: asJson({ ...view, topics: [found] }),
    text: topicText(found, view.log),
    exitCode: exitCodes.done,
  };
}

/** @throws kafka.topic_missing, kafka.not_allowed, kafka.topic_settings  with the commands for who may */
async function applyAll(cluster: Cluster, { dryRun }: TopicsFlags): Promise<Answer> {
  const view = await lookAtTopics(cluster);
  const changes = changesFor(view.topics.map(({ surveyed }) => surveyed));
  const differed = isChange(changes);
  const executed = dryRun !== true;
  if (executed && differed) await applyTopics(cluster.kafka, changes);
  return {
    json: { executed, differed, ...asJson(view) },
    text: differenceText(view, { executed }),
    exitCode: executed || !differed ? exitCodes.done : exitCodes.configuration,
  };
}
