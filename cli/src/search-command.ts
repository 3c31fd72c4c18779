import { exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { commonOptions, defineOptions, readServiceUrl } from '@ticket-stream/service-kit';
import { Command } from 'commander';
import { request } from 'undici';
import { readCommandOptions } from './environment/command-options.ts';
import { wholeNumber } from './environment/number-flag.ts';
import { type HitRow, hitTable } from './hit-table.ts';
import { markQuery } from './query-mark.ts';
import { widthOf } from './text/terminal.ts';

interface SearchFlags {
  readonly limit: number;
  readonly cursor?: string;
  readonly deleted?: boolean;
  readonly json?: boolean;
  readonly url?: string;
  readonly dataDir?: string;
}

const TIMEOUT_MS = 30_000;
const folderOptions = defineOptions({ DATA_DIR: commonOptions.DATA_DIR });

/** `ticket-stream search 'refund status:open'`: asks the running search service. */
export function searchCommand(): Command {
  return (
    new Command('search')
      .description("Search the tickets, in Zendesk's search language.")
      .argument('[query...]', 'words, "phrases", key:value; quote the whole for the shell')
      .option('--limit <n>', 'tickets shown, 1 to 1000', wholeNumber(1, 1000), 20)
      .option('--cursor <cursor>', 'go on where the answer before ended')
      .option('--deleted', 'also deleted and scrubbed tickets')
      .option('--json', 'the answer as JSON: { total, hits, next }')
      .option('--url <url>', 'address of the search service; else the one that runs on the data folder')
      .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
      .addHelpText(
        'after',
        `
Keys: status priority ticket_type tags assignee group organization requester submitter created updated subject
description order_by sort.  status<solved  priority>=high  assignee:none  tags:"vip refund"  created>4hours
-word excludes, the same key twice means either, a number is a ticket's id.`,
      )
      // -status:closed is no option but part of a query.
      .allowUnknownOption()
      .action(async (words: string[], flags: SearchFlags, command: Command) => {
        const option = words.find((word) => word.startsWith('--'));
        if (option !== undefined) {
          const known = command.options.map(({ long }) => long).join(', ');
          command.error(`error: unknown option '${option}'; there are ${known}`);
        }
        process.exitCode = await search(words.join(' '), flags);
      })
  );
}

/** @returns the exit code: 0 also where nothing was found, 2 for a query that cannot be read */
async function search(query: string, flags: SearchFlags): Promise<number> {
  const { status, body, origin } = await ask(query, flags);
  if (status !== 200) return refuse(query, status, body);
  const answer = parseAnswer(body);
  if (answer === undefined) throw notRunning(`what answers at ${origin} is not the search service`);
  if (flags.json === true) {
    process.stdout.write(`${body}\n`);
    return 0;
  }
  const { stdout } = process;
  const styled = stdout.isTTY && stdout.hasColors();
  const lines = answer.rows.length === 0 ? [] : hitTable(answer.rows, widthOf(stdout), styled);
  stdout.write(`${[...lines, ...(lines.length > 0 ? [''] : []), summary(answer)].join('\n')}\n`);
  return 0;
}

async function ask(
  query: string,
  flags: SearchFlags,
): Promise<{ status: number; body: string; origin: string }> {
  const base = flags.url ?? runningService(flags.dataDir);
  if (!URL.canParse('/search', base)) throw notRunning(`${base} is not the address of a service`);
  const url = new URL('/search', base);
  url.searchParams.set('q', query);
  url.searchParams.set('limit', String(flags.limit));
  if (flags.cursor !== undefined) url.searchParams.set('cursor', flags.cursor);
  if (flags.deleted === true) url.searchParams.set('deleted', 'true');
  try {
    const response = await request(url, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
    return { status: response.statusCode, body: await response.body.text(), origin: url.origin };
  } catch (error) {
    throw notRunning(`the search service at ${url.origin} does not answer`, error);
  }
}

function runningService(given: string | undefined): string {
  const { DATA_DIR: dataDir } = readCommandOptions(folderOptions, given);
  const url = readServiceUrl(dataDir, 'search');
  if (url === undefined) throw notRunning(`no search service runs on the data folder ${dataDir}`);
  return url;
}

function notRunning(message: string, cause?: unknown): TicketStreamError {
  return new TicketStreamError('config.invalid', message, {
    cause,
    remedy:
      'Start it with "npm start" (everything) or "npm run search" (this service), or name it with --url or --data-dir.',
  });
}

/** Shows the query with a mark under the place that is wrong. */
function refuse(query: string, status: number, body: string): number {
  const { message, position, length } = parseError(body);
  const lines = [`ticket-stream search: ${message ?? `the service answered ${status}`}`];
  if (position !== undefined && length !== undefined && length > 0) {
    lines.push(...markQuery(query, position, length).map((line) => `  ${line}`));
  }
  process.stderr.write(`${lines.join('\n')}\n`);
  // One that waits is no defect, as little as one that does not answer.
  return status >= 500 && status !== 503 ? exitCodes.defect : exitCodes.configuration;
}

interface Answer {
  readonly total: number;
  readonly rows: readonly HitRow[];
  readonly next: string | undefined;
}

/** undefined where it is not of a search service. */
function parseAnswer(body: string): Answer | undefined {
  let answer: {
    total: number;
    hits?: { id: unknown; updated_stamp: string; ticket: Record<string, unknown> }[];
    next: string | null;
  } | null;
  try {
    answer = JSON.parse(body, digitsKept as Reviver);
  } catch {
    return undefined;
  }
  if (!Array.isArray(answer?.hits)) return undefined;
  const { total, hits, next } = answer;
  const rows = hits.map(({ id, updated_stamp, ticket }) => ({
    id: String(id),
    status: text(ticket['status']),
    priority: text(ticket['priority']),
    updated: moment(text(ticket['updated_at']) || updated_stamp),
    subject: text(ticket['subject']) || text(ticket['raw_subject']),
  }));
  return { total, rows, next: next ?? undefined };
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** An id beyond 2^53 is shown with its own digits. */
function digitsKept(key: string, value: unknown, context?: { source?: string }): unknown {
  return key === 'id' && typeof value === 'number' && !Number.isSafeInteger(value) ? context?.source : value;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function moment(iso: string): string {
  return iso.replace('T', ' ').replace(/Z$/, '');
}

function summary({ total, rows, next }: Answer): string {
  const number = new Intl.NumberFormat('en');
  const tickets = total === 1 ? 'ticket' : 'tickets';
  if (total === 0) return 'No ticket matches.';
  if (next === undefined) return `${number.format(total)} ${tickets}.`;
  return `${number.format(rows.length)} of ${number.format(total)} ${tickets}; go on with --cursor ${next}`;
}

interface Refusal {
  readonly message?: string;
  readonly position?: number;
  readonly length?: number;
}

function parseError(body: string): Refusal {
  try {
    const { error } = JSON.parse(body) as { error?: Refusal };
    return error ?? {};
  } catch {
    // Something else listens there.
    return {};
  }
}
