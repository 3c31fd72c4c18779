/** `ticket-stream groups [list | show <group>]`: who reads the tickets, and how far behind. Nothing is changed. */
import { exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { listGroups } from '@ticket-stream/kafka';
import { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { type Cluster, requireTickets, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { whileShowing } from '../text/slow-work.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { readGroup, readGroups } from './group-lag.ts';
import { resolveGroupName } from './group-name.ts';
import { asJson, groupsText, groupText } from './groups-text.ts';
import { onTerminal, watchView } from './watch-view.ts';

interface GroupsFlags {
  readonly json?: true;
  readonly watch?: true;
  readonly dataDir?: string;
}

const REFRESH_MS = 2_000;

const METHOD = `
LAG counts offsets from the committed one to the last stable offset, where reading ends; markers of transactions and
compacted records are among them, so it is at most so many records. BEHIND is a time: from the publish time of the first
record not read to that of the newest record of the topic. Both come from the log, none from a clock here, so that a
stopped producer makes nobody fall behind.

What a sink has stored is not visible here. Search and alerting keep their positions with their data.`;

export function groupsCommand(): Command {
  const list = withFlags(
    new Command('list').description('The groups that read the tickets, with their lag.'),
  ).action((flags: GroupsFlags) => run(flags, allGroups));
  const show = withFlags(
    new Command('show')
      .description('One group: its members, and each partition.')
      .argument('<group>', 'search, alerting, or the full name of a group'),
  ).action((given: string, flags: GroupsFlags) => run(flags, (cluster) => oneGroup(cluster, given)));
  const command = new Command('groups').description('Who reads the tickets, and how far behind.');
  command.addCommand(list, { isDefault: true });
  command.addCommand(show);
  return command.addHelpText('after', METHOD);
}

function withFlags(command: Command): Command {
  return command
    .option('--json', 'one object instead of the table; docs/replay.md describes its keys')
    .option('--watch', 'again every 2 s, until Ctrl-C')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)');
}

interface View {
  readonly text: string;
  readonly json: object;
}

async function allGroups(cluster: Cluster): Promise<View> {
  const topic = cluster.names.tickets;
  const groups = await readGroups(cluster);
  return { text: groupsText(topic, groups), json: { topic, groups: groups.map(asJson) } };
}

/** @throws kafka.group_unknown */
async function oneGroup(cluster: Cluster, given: string): Promise<View> {
  const topic = cluster.names.tickets;
  const group = resolveGroupName(given, topic, await listGroups(cluster.kafka));
  const found = await readGroup(cluster, group);
  if (found === undefined) {
    throw new TicketStreamError('kafka.group_unknown', `there is no consumer group ${group}`, {
      remedy: '"ticket-stream groups" lists those that read this topic.',
    });
  }
  return { text: groupText(topic, found), json: { topic, ...asJson(found) } };
}

async function run(flags: GroupsFlags, look: (cluster: Cluster) => Promise<View>): Promise<void> {
  const { stdout } = process;
  if (flags.watch === true && (flags.json === true || stdout.isTTY !== true)) {
    const what = flags.json === true ? '--json is for programs' : 'this is none';
    throw new TicketStreamError('config.invalid', `--watch redraws a terminal, and ${what}`, {
      remedy: 'Leave --watch out, and run the command again as often as it is wanted.',
    });
  }
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  await withCluster(options, 'groups', async (cluster) => {
    await requireTickets(cluster);
    if (flags.watch === true) return watch(cluster, look);
    const view = await whileShowing(
      () => 'looking at the groups',
      () => look(cluster),
    );
    stdout.write(
      `${flags.json === true ? JSON.stringify(view.json) : wrapLines(view.text, widthOf(stdout))}\n`,
    );
  });
  process.exitCode = exitCodes.done;
}

/** Ends with Ctrl-C; the last view stays on the terminal. */
async function watch(cluster: Cluster, look: (cluster: Cluster) => Promise<View>): Promise<void> {
  const { stdout } = process;
  const draw = createLogUpdate(stdout);
  try {
    await untilInterrupted((signal) =>
      watchView({
        look: async () => (await look(cluster)).text,
        draw: (view, note) => draw(onTerminal(view, note, stdout)),
        ...{ everyMs: REFRESH_MS, signal },
      }),
    );
  } finally {
    draw.done();
  }
}
