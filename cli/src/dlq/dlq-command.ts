import { Command } from 'commander';
import { dropCommand } from './drop-command.ts';
import { listCommand } from './list-command.ts';
import { retryCommand } from './retry-command.ts';
import { showCommand } from './show-command.ts';

export function dlqCommand(): Command {
  const command = new Command('dlq').description(
    'Dead letters: tickets and records set aside because they could not work. Look, retry, drop.',
  );
  for (const each of [listCommand(), showCommand(), retryCommand(), dropCommand()]) command.addCommand(each);
  return command.addHelpText(
    'after',
    `
Letters are kept for 30 days in <TICKETS_TOPIC>.dlq. docs/dead-letters.md says what becomes one, by code.
Environment: KAFKA_* and TICKETS_TOPIC, from here or from a file .env; what is not set is taken from the "npm start"
that runs on the data folder.`,
  );
}
