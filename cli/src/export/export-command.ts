import { Command } from 'commander';
import { resetCommand } from './reset-command.ts';
import { statusCommand } from './status-command.ts';
import { verifyCommand } from './verify-command.ts';

export function exportCommand(): Command {
  const command = new Command('export').description('Look at the export, move it, compare it with Zendesk.');
  for (const each of [statusCommand(), resetCommand(), verifyCommand()]) command.addCommand(each);
  return command.addHelpText(
    'after',
    `
Environment: as the producer has it (KAFKA_*, TICKETS_TOPIC, ZENDESK_*, START_TIME, EXPORT_*), from here or from a
file .env; what is not set is taken from the "npm start" that runs on the data folder.`,
  );
}
