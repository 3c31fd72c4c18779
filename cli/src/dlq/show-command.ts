/** `ticket-stream dlq show <letter>`: everything that is known of it, and its bytes. */
import { TicketStreamError } from '@ticket-stream/errors';
import { type LetterContent, type LetterRow, originalHeaders, readLetterContent } from '@ticket-stream/kafka';
import { Command } from 'commander';
import { withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { count } from '../text/count.ts';
import { harmlessText, parseExactly, prettyJson } from '../text/exact-json.ts';
import { oneLine } from '../text/line.ts';
import { pipedOutput } from '../text/piped-output.ts';
import { textTable } from '../text/table.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { lettersOf } from './letter-reading.ts';
import { namedLetters } from './letter-selection.ts';
import { letterJson, remedyOf } from './letter-text.ts';

interface ShowFlags {
  readonly raw?: true;
  readonly json?: true;
  readonly dataDir?: string;
}

export function showCommand(): Command {
  return new Command('show')
    .description('Everything about one letter, its bytes included.')
    .argument('<letter>', 'its id, or the beginning of it')
    .option('--raw', 'the bytes alone, as they are')
    .option('--json', 'one object, with the bytes as base64 in `value` and all headers')
    .option('--data-dir <folder>', 'data folder (DATA_DIR, .data)')
    .action(async (name: string, flags: ShowFlags) => {
      const options = readCommandOptions(clusterOptions, flags.dataDir);
      await withCluster(options, 'dlq', async (cluster) => {
        const read = await untilInterrupted((signal) => lettersOf(cluster, undefined, signal));
        const [row] = namedLetters(read?.rows.rows() ?? [], [name]) as [LetterRow];
        const content = await readLetterContent(cluster.reader, cluster.names.deadLetters, row);
        const output =
          flags.raw === true ? bytesOf(row, content) : letterOutput(row, content, flags.json === true);
        await pipedOutput(process.stdout).write(output);
      });
    });
}

/** @throws config.invalid  into a file, nothing would look like a record that had no value */
function bytesOf({ id }: LetterRow, content: LetterContent | undefined): Buffer {
  if (content !== undefined) return content.value;
  throw new TicketStreamError('config.invalid', `letter ${id}: the topic no longer has its bytes`, {
    remedy: `"ticket-stream dlq show ${id}" tells what is still known of it.`,
  });
}

function letterOutput(row: LetterRow, content: LetterContent | undefined, json: boolean): string {
  if (!json) return `${letterText(row, content, widthOf(process.stdout))}\n`;
  const headers = Object.entries(content?.headers ?? {}).map(([name, value]) => [name, headerValues(value)]);
  const value = content?.value.toString('base64') ?? null;
  return `${JSON.stringify({ ...letterJson(row), headers: Object.fromEntries(headers), value })}\n`;
}

function headerValues(value: LetterContent['headers'][string]): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.map((each) => each?.toString() ?? '');
}

/** @param width  of the terminal; the bytes are as they are, however wide */
function letterText(row: LetterRow, content: LetterContent | undefined, width: number | undefined): string {
  const facts: [string, string][] = [
    ['letter', `${row.id}  (${row.key})`],
    ['state', stateText(row)],
    ['code', row.code ?? 'none: something else wrote this record'],
    ['cause', row.cause ?? ''],
    ['', remedyOf(row.code) === undefined ? '' : `→ ${remedyOf(row.code)}`],
    ['ticket', row.ticketId ?? 'no id that can be used'],
    ['from', originText(row)],
    ['written', writtenText(row)],
    ['bytes', bytesText(row)],
  ];
  const headers = Object.entries(content === undefined ? {} : originalHeaders(content.headers)).flatMap(
    ([name, value]) => headerValues(value).map((each): [string, string] => [`  ${name}`, each]),
  );
  const about = [
    ...textTable(facts.filter(([, text]) => text !== '').map((cells) => cells.map(oneLine))),
    ...(headers.length === 0 ? [] : ['', 'headers of the record', ...indented(headers)]),
  ].join('\n');
  return `${wrapLines(about, width)}\n\n${bodyText(row, content)}`;
}

function indented(rows: readonly (readonly [string, string])[]): string[] {
  return textTable(rows.map(([name, value]) => [`  ${oneLine(name)}`, oneLine(value)]));
}

function stateText({ state, stateAtMs, by, reason }: LetterRow): string {
  const who = by === undefined ? '' : `, by ${by}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${state} since ${iso(stateAtMs)}${who}${why}`;
}

function originText({ origin }: LetterRow): string {
  if (origin === undefined) return 'unknown';
  if (origin.kind === 'export') {
    const from = iso(origin.startTime * 1000);
    return `the export of ${origin.source}, on the page from ${from} on`;
  }
  return `consumer group ${origin.group}, at offset ${origin.offset} of ${origin.topic}-${origin.partition}`;
}

function writtenText({ letters, firstAtMs, lastAtMs }: LetterRow): string {
  if (letters === 0) return 'the topic keeps letters for 30 days; of this one it has the outcome alone';
  if (letters === 1) return iso(lastAtMs);
  return `${count(letters, 'time', 'times')}, ${iso(firstAtMs)} to ${iso(lastAtMs)}`;
}

function bytesText({ bytesAt, whole, fetchAgain }: LetterRow): string {
  const kept = count(bytesAt?.length ?? 0, 'byte', 'bytes');
  if (whole === undefined) return kept;
  const again = fetchAgain === undefined ? '' : `; fetch it again at ${fetchAgain}`;
  return `the first ${kept} of ${whole.byteLength.toLocaleString('en')}, SHA-256 ${whole.sha256}${again}`;
}

function bodyText(row: LetterRow, content: LetterContent | undefined): string {
  if (content === undefined) return 'The topic no longer has its bytes.';
  if (content.value.length === 0) return 'The record had no value, or an empty one.';
  const text = content.value.toString('utf8');
  if (row.whole !== undefined) return harmlessText(text);
  try {
    return prettyJson(parseExactly(text));
  } catch {
    // No JSON: that may be why it is here.
    return harmlessText(text);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
