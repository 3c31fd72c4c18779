/** `ticket-stream export verify`: walks the export again and compares it with the topic; writes nothing to either. */
import { randomInt } from 'node:crypto';
import { TicketStreamError } from '@ticket-stream/errors';
import type { OptionValues } from '@ticket-stream/service-kit';
import { Command } from 'commander';
import { readCommandOptions, sourceOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { wholeNumber } from '../environment/number-flag.ts';
import { verifyExport } from './verify-export.ts';

interface VerifyFlags {
  readonly all?: true;
  readonly sample: number;
  readonly seed?: number;
  readonly requestsPerMinute?: number;
  readonly json?: true;
  readonly dataDir?: string;
}

const PAGES_DEFAULT = 10;

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Read the export again and compare it with the topic: what is missing, older, or extra.')
    .option('--all', 'from START_TIME to the end of the stream; finds what is extra, too')
    .option('--sample <n>', 'so many pages at random moments', wholeNumber(1, 100_000), PAGES_DEFAULT)
    .option('--seed <n>', 'the moments of a sample before', wholeNumber(0, 2 ** 31 - 1))
    .option(
      '--requests-per-minute <n>',
      'instead of what EXPORT_ALLOWANCE_SHARE leaves over',
      wholeNumber(1, 6_000),
    )
    .option('--json', 'one object instead of the table; docs/export.md describes its keys')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .addHelpText('after', '\nExit code 5: something is missing, older or different. 0 otherwise.')
    .action(async (flags: VerifyFlags) => {
      const options = readCommandOptions(sourceOptions, flags.dataDir);
      const requestsPerMinute = flags.requestsPerMinute ?? leftOver(options);
      process.exitCode = await untilInterrupted((signal) =>
        verifyExport({
          options,
          requestsPerMinute,
          sample:
            flags.all === true
              ? undefined
              : { pages: flags.sample, seed: flags.seed ?? randomInt(2 ** 31 - 1) },
          json: flags.json === true,
          signal,
        }),
      );
    });
}

/** @throws config.invalid  the producer may take all of the allowance */
function leftOver(options: OptionValues<typeof sourceOptions>): number {
  const left = 1 - options.EXPORT_ALLOWANCE_SHARE;
  if (left > 0) return options.EXPORT_REQUESTS_PER_MINUTE * left;
  throw new TicketStreamError(
    'config.invalid',
    'EXPORT_ALLOWANCE_SHARE is 1: the producer takes every request allowed',
    {
      remedy:
        'Give the producer EXPORT_ALLOWANCE_SHARE=0.8 and this command the same; or, while no producer runs, --requests-per-minute 10.',
    },
  );
}
