import { asTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { Command } from 'commander';
import { dlqCommand } from './dlq/dlq-command.ts';
import { Interrupted } from './environment/interruption.ts';
import { exportCommand } from './export/export-command.ts';
import { groupsCommand } from './groups/groups-command.ts';
import { replayCommand } from './replay/replay-command.ts';
import { searchCommand } from './search-command.ts';
import { tailCommand } from './tail/tail-command.ts';
import { widthOf, wrapLines } from './text/terminal.ts';
import { topicsCommand } from './topics/topics-command.ts';
import { upCommand } from './up/up-command.ts';

const program = new Command('ticket-stream')
  .description(
    'Every change to every Zendesk ticket, once and in order, on Kafka; searchable and alertable seconds later.',
  )
  .version('0.1.0')
  // What follows a command is the command's: `search -VIP` asks for no version.
  .enablePositionalOptions()
  // commander breaks the lines of its own parts alone, not those of the text behind them.
  .configureOutput({
    writeOut: (text) => process.stdout.write(wrapLines(text, widthOf(process.stdout))),
    writeErr: (text) => process.stderr.write(wrapLines(text, widthOf(process.stderr))),
  })
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride((error) => {
    // commander's own refusals (unknown command or option) are wrong configuration.
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
const commands = [
  // In the order of --help.
  upCommand(),
  searchCommand(),
  exportCommand(),
  tailCommand(),
  topicsCommand(),
  groupsCommand(),
  replayCommand(),
  dlqCommand(),
];
for (const command of commands) {
  program.addCommand(inheriting(command, program));
}

// A reader of the output that went away (`| head`) is no failure, and ends no work half done; tail stops by itself.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  tellWhy(
    new TicketStreamError('config.invalid', `the output cannot be written: ${error.message}`, {
      remedy: 'Give it room, or another place. What the command does besides may be done all the same.',
    }),
  );
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Interrupted) {
    process.stderr.write(`ticket-stream: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    tellWhy(error);
  }
}

function tellWhy(error: unknown): void {
  const known = asTicketStreamError(error);
  const text = `ticket-stream: ${known.message}\n  → ${known.remedy}`;
  process.stderr.write(`${wrapLines(text, widthOf(process.stderr))}\n`);
  if (known.code === 'internal.defect' && known.cause instanceof Error) {
    process.stderr.write(`${known.cause.stack ?? ''}\n`);
  }
  process.exitCode = known.exitCode;
}

/** commander copies settings to a command as it is made; ours are made before. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheriting(each, command);
  return command;
}
