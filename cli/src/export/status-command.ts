/** `ticket-stream export status`: how the export stands, from the checkpoint and, where one runs, the producer. */
import { exitCodes } from '@ticket-stream/errors';
import { Command } from 'commander';
import { withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { readExportStatus } from './export-status.ts';
import { askProducer } from './producer-probe.ts';
import { statusText } from './status-text.ts';

interface StatusFlags {
  readonly json?: true;
  readonly dataDir?: string;
}

export function statusCommand(): Command {
  return new Command('status')
    .description('How the export stands: position, next request, what was left out, gaps, producer.')
    .option('--json', 'one object instead of the table; docs/export.md describes its keys')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .action(async (flags: StatusFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      const producer = await askProducer(options.DATA_DIR);
      const nowMs = Date.now();
      const status = await withCluster(options, 'export', (log) => readExportStatus(log, producer, nowMs));
      process.stdout.write(`${flags.json === true ? JSON.stringify(status) : statusText(status, nowMs)}\n`);
      process.exitCode = exitCodes.done;
    });
}
