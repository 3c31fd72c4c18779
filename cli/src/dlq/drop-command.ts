/** `ticket-stream dlq drop <letter…>`: notes who decided, when and why that nothing is to be done. Deletes nothing. */
import { exitCodes } from '@ticket-stream/errors';
import { factHeaders, openLetterDesk } from '@ticket-stream/kafka';
import { Command } from 'commander';
import { withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { confirmed } from '../environment/confirmation.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { count } from '../text/count.ts';
import { widthOf } from '../text/terminal.ts';
import { decidedBy } from './decided-by.ts';
import { lettersOf } from './letter-reading.ts';
import { namedLetters } from './letter-selection.ts';
import { letterTable } from './letter-text.ts';

interface DropFlags {
  readonly reason?: string;
  readonly yes?: true;
  readonly dataDir?: string;
}

export function dropCommand(): Command {
  return new Command('drop')
    .description('Decide that nothing is to be done about these letters; asks first.')
    .argument('<letter...>', 'their ids, or the beginnings of them')
    .option('--reason <text>', 'kept with the decision')
    .option('--yes', 'without asking')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText(
      'after',
      `
Who, when and why is written down beside the letter, whose bytes stay where they are for 30 days; a dropped letter
can still be retried. "list" no longer shows it, "list --state dropped" does.`,
    )
    .action(async (named: string[], flags: DropFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      await withCluster(options, 'dlq', async (cluster) => {
        const read = await untilInterrupted((signal) => lettersOf(cluster, undefined, signal));
        const rows = namedLetters(read?.rows.rows() ?? [], named);
        const { stdout } = process;
        stdout.write(`${letterTable(rows, widthOf(stdout)).join('\n')}\n\n`);
        if (flags.yes !== true && !(await confirmed('a drop'))) {
          stdout.write('Nothing was changed.\n');
          process.exitCode = exitCodes.configuration;
          return;
        }
        const desk = await openLetterDesk(cluster.kafka, cluster.names.deadLetters);
        try {
          const by = decidedBy();
          const reason = flags.reason === undefined ? {} : { reason: flags.reason };
          for (const row of rows) {
            await desk.setState({ key: row.key, state: 'dropped', by, ...reason }, factHeaders(row));
          }
        } finally {
          await desk.close();
        }
        stdout.write(`${count(rows.length, 'letter', 'letters')} dropped.\n`);
      });
    });
}
