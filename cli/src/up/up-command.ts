import { Command, Option } from 'commander';
import { wholeNumber } from '../environment/number-flag.ts';
import { runUp } from './run-up.ts';
import { planUp, type UpFlags } from './up-plan.ts';

export function upCommand(): Command {
  return new Command('up')
    .description(
      'Run everything in this terminal: Kafka, the Zendesk simulator unless ZENDESK_URL is set, producer, search, alerting.',
    )
    .option('--once', 'end when all of the export is in search and alerting, with a summary')
    .option('--tickets <n>', "tickets in the simulator's history", wholeNumber(1, 2_000_000))
    .option('--seed <n>', "the simulator's history is a function of it", wholeNumber(0, 2 ** 31 - 1))
    .option('--fresh', 'forget what is kept of the embedded Kafka and the simulator first')
    .option('--json', 'a line of JSON a second instead of the display')
    .addOption(
      new Option('--kafka <kind>', 'how the embedded Kafka runs')
        .choices(['auto', 'java', 'docker'])
        .default('auto'),
    )
    .addHelpText(
      'after',
      `
Environment: KAFKA_BROKERS uses that cluster instead of an embedded one; ZENDESK_URL (with its credentials and
START_TIME) exports that account instead of the simulator; DATA_DIR (.data) keeps everything between runs.
Ctrl-C stops; the next start goes on where this one stopped.`,
    )
    .action(async (flags: UpFlags) => {
      process.exitCode = await runUp(planUp(flags, process.env));
    });
}
