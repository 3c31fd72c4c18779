/** `ticket-stream export reset --to <time>`: moves the export to another place; docs/export.md says when to. */
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { rewriteCheckpoint, silentLogger } from '@ticket-stream/kafka';
import { option } from '@ticket-stream/service-kit';
import { formatRfc3339Second } from '@ticket-stream/ticket';
import { parseExportState } from '@ticket-stream/zendesk-export';
import { Command, InvalidArgumentError } from 'commander';
import { findCheckpoint, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { confirmed } from '../environment/confirmation.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { askProducer } from './producer-probe.ts';
import { planReset, planText } from './reset-plan.ts';

interface ResetFlags {
  readonly to: number;
  readonly acceptGap?: true;
  readonly stopProducer?: true;
  readonly yes?: true;
  readonly dataDir?: string;
}

export function resetCommand(): Command {
  return new Command('reset')
    .description('Let the export go on at another moment: earlier to publish again, later to skip.')
    .requiredOption(
      '--to <time>',
      'epoch seconds, or a date such as 2026-01-31 or 2026-01-31T08:00:00Z',
      moment,
    )
    .option('--accept-gap', 'skip what lies between, where the moment is ahead of the export')
    .option('--stop-producer', 'although a producer is at work on the data folder: it ends with exit code 4')
    .option('--yes', 'without asking')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .action(async (flags: ResetFlags) => {
      process.exitCode = await reset(flags);
    });
}

/** @throws export.at_work, checkpoint.missing, config.invalid  with nothing changed */
async function reset(flags: ResetFlags): Promise<ExitCode> {
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  const producer = await askProducer(options.DATA_DIR);
  if (producer !== undefined && flags.stopProducer !== true) {
    throw new TicketStreamError(
      'export.at_work',
      `a producer is at work on ${options.DATA_DIR} (${producer.url})`,
      {
        remedy:
          'Stop it, run this again, and start it. Where its Kafka runs in the same "npm start", give --stop-producer: the run ends with exit code 4, and the next start goes on at the new place. Nothing was changed.',
      },
    );
  }
  return withCluster(options, 'export', async ({ kafka, reader, names }) => {
    const found = await findCheckpoint({ reader, names });
    if (found === undefined) {
      throw new TicketStreamError('checkpoint.missing', `nothing was exported to ${names.tickets} yet`);
    }
    const { exportState, source } = found.checkpoint;
    const rules = { acceptGap: flags.acceptGap === true, now: Math.floor(Date.now() / 1000) };
    const facts = {
      source,
      topic: names.tickets,
      nowMs: Date.now(),
      checkpointAtMs: found.writtenAtMs,
      producerAtWork: producer !== undefined,
    };
    const plan = planReset(exportState, flags.to, rules);
    process.stdout.write(`${planText(plan, facts)}\n\n`);
    if (flags.yes !== true && !(await confirmed('a reset'))) {
      process.stdout.write('Nothing was changed.\n');
      return exitCodes.configuration;
    }
    await untilInterrupted((signal) =>
      rewriteCheckpoint({
        kafka,
        reader,
        names,
        parseState: parseExportState,
        logger: silentLogger,
        // Of what is found then: a producer at work may have moved on since the plan was shown.
        change: (newest) => planReset(newest.exportState, flags.to, rules).after,
        signal,
      }),
    );
    process.stdout.write(
      `Done: the next start of the producer goes on at ${formatRfc3339Second(flags.to)}.${
        plan.direction === 'forwards'
          ? ` Until then a reset to ${formatRfc3339Second(plan.from)} undoes it.`
          : ''
      }\n`,
    );
    return exitCodes.done;
  });
}

const { schema } = option.moment({ text: '', min: 0 });

function moment(given: string): number {
  const read = schema.safeParse(given.trim());
  if (read.success) return read.data;
  throw new InvalidArgumentError(`It ${read.error.issues[0]?.message ?? 'is no moment'}.`);
}
