/** `ticket-stream dlq list`: one row a letter, the newest last, where the prompt is. */
import { Command } from 'commander';
import { withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { widthOf } from '../text/terminal.ts';
import { lettersOf } from './letter-reading.ts';
import { filterFlags, type LetterFilters, matches } from './letter-selection.ts';
import { letterJson, letterSummary, letterTable } from './letter-text.ts';

const STANDING = ['open', 'retrying'] as const;

interface ListFlags extends LetterFilters {
  readonly json?: true;
  readonly dataDir?: string;
}

export function listCommand(): Command {
  const command = new Command('list').description('The letters, one row each; the newest last.');
  return filterFlags(command, STANDING)
    .option('--json', 'one object a line; docs/dead-letters.md describes its keys')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText(
      'after',
      `
TIMES counts how often a letter was written, each time it failed again. With --since, letters written before are
not read at all, so neither their times nor their states count.`,
    )
    .action(async (flags: ListFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      const filters = { ...flags, state: flags.state ?? STANDING };
      await withCluster(options, 'dlq', async (cluster) => {
        const read = await untilInterrupted((signal) => lettersOf(cluster, flags.since, signal));
        const all = [...(read?.rows.rows() ?? [])];
        const shown = all
          .filter((row) => matches(row, filters, cluster.names.tickets))
          .toSorted((a, b) => a.lastAtMs - b.lastAtMs);
        const { stdout } = process;
        if (flags.json === true) {
          for (const row of shown) stdout.write(`${JSON.stringify(letterJson(row))}\n`);
          return;
        }
        const lines = shown.length === 0 ? [] : letterTable(shown, widthOf(stdout));
        const gap = lines.length === 0 ? [] : [''];
        stdout.write(`${[...lines, ...gap, letterSummary(shown, all.length)].join('\n')}\n`);
      });
    });
}
