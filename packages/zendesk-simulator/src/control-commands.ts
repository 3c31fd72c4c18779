/** The commands that talk to a simulator that runs, through what it has under `/simulator/`. */
import { join, resolve } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Command } from 'commander';
import { fieldFromText } from './commanded-change.ts';
import { readRunFile } from './data-folder.ts';
import { readFaultPlan } from './faults/plan-check.ts';

interface CommandTarget {
  readonly dataDir?: string;
  readonly url?: string;
}

/** Where a simulator that was started by hand keeps its own. */
export function standaloneFolder(dataRoot: string): string {
  return join(dataRoot, 'zendesk-simulator');
}

export function addControlCommands(program: Command, dataRoot: string): void {
  // The simulator under `npm start` is found as well.
  const folders = [standaloneFolder(dataRoot), join(dataRoot, 'simulator', 'simulator')];
  program
    .command('change <ticket>')
    .description('change a ticket of a running simulator by its id, or make a "new" one')
    .requiredOption('--set <name=value>', 'a field; may be given several times', collect, [])
    .option('--system', 'as a system update: updated_at stays where it is')
    .option('--data-dir <folder>', 'folder of the running simulator (default: whichever runs here)')
    .option('--url <url>', 'its address, instead of the one written in its folder')
    .addHelpText(
      'after',
      "\nExample: change 17 --set priority=urgent --set 'subject=Everything is down' --set tags=vip,outage",
    )
    .action(async (ticket: string, options: CommandTarget & { set: string[]; system?: true }) => {
      const fields = Object.fromEntries(options.set.map(fieldFromText));
      if (ticket !== 'new' && !/^[1-9]\d{0,14}$/.test(ticket)) {
        throw new TicketStreamError(
          'simulator.change_refused',
          `"${ticket}" is neither a ticket id nor "new"`,
        );
      }
      const path = ticket === 'new' ? '/simulator/tickets' : `/simulator/tickets/${ticket}`;
      const answer = await ask(
        folders,
        options,
        'POST',
        `${path}${options.system ? '?system=true' : ''}`,
        fields,
      );
      process.stdout.write(`${answer}\n`);
    });

  program
    .command('scrub <ticket>')
    .description('scrub a deleted ticket now instead of thirty days after its deletion')
    .option('--data-dir <folder>', 'folder of the running simulator (default: whichever runs here)')
    .option('--url <url>', 'its address, instead of the one written in its folder')
    .action(async (ticket: string, options: CommandTarget) => {
      process.stdout.write(
        `${await ask(folders, options, 'POST', `/simulator/tickets/${encodeURIComponent(ticket)}/scrub`)}\n`,
      );
    });

  program
    .command('faults [file]')
    .description(
      'show what goes wrong in a running simulator, or replace it by the plan of a file; [] ends it',
    )
    .option('--data-dir <folder>', 'folder of the running simulator (default: whichever runs here)')
    .option('--url <url>', 'its address, instead of the one written in its folder')
    .action(async (file: string | undefined, options: CommandTarget) => {
      const answer =
        file === undefined
          ? await ask(folders, options, 'GET', '/simulator/faults')
          : await ask(folders, options, 'POST', '/simulator/faults', readFaultPlan(file));
      process.stdout.write(`${answer}\n`);
    });

  program
    .command('revoke-tokens')
    .description('end every OAuth access token that a running simulator gave out')
    .option('--data-dir <folder>', 'folder of the running simulator (default: whichever runs here)')
    .option('--url <url>', 'its address, instead of the one written in its folder')
    .action(async (options: CommandTarget) => {
      process.stdout.write(`${await ask(folders, options, 'POST', '/simulator/oauth/revoke')}\n`);
    });

  program
    .command('status')
    .description('what a running simulator holds and has served, as JSON')
    .option('--data-dir <folder>', 'folder of the running simulator (default: whichever runs here)')
    .option('--url <url>', 'its address, instead of the one written in its folder')
    .action(async (options: CommandTarget) => {
      process.stdout.write(`${await ask(folders, options, 'GET', '/simulator/status')}\n`);
    });
}

async function ask(
  usual: readonly string[],
  target: CommandTarget,
  method: string,
  path: string,
  body?: object,
): Promise<string> {
  const folders = target.dataDir === undefined ? usual : [target.dataDir];
  const url =
    target.url ?? folders.map((folder) => readRunFile(folder)?.url).find((found) => found !== undefined);
  if (url === undefined) {
    const searched = folders.map((folder) => resolve(folder)).join(' or ');
    throw new TicketStreamError('config.invalid', `no simulator runs in ${searched}`, {
      remedy: 'Start one there, or name its folder (--data-dir) or its address (--url).',
    });
  }
  const response = await fetch(new URL(path, url), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((cause: unknown) => {
    throw new TicketStreamError('config.invalid', `no simulator answers at ${url}`, {
      cause,
      remedy: 'Start it first.',
    });
  });
  const text = await response.text();
  if (!response.ok) {
    throw new TicketStreamError(
      'simulator.change_refused',
      descriptionIn(text) ?? `${response.status}: ${text}`,
    );
  }
  return text;
}

function descriptionIn(text: string): string | undefined {
  try {
    const { description }: { description?: unknown } = JSON.parse(text);
    return typeof description === 'string' ? description : undefined;
  } catch {
    return undefined;
  }
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
