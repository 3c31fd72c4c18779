/** What a run of `up` looks like: state in, lines out. Nothing is cut off; what does not fit goes on below. */
import { styleText } from 'node:util';
import { backfillParts, type ConsumerProgress, type ProducerProgress } from '@ticket-stream/service-kit';
import stringWidth from 'string-width';
import { wrapLine } from '../text/terminal.ts';
import type { UpState } from './up-state.ts';

type Phase = 'running' | 'stopping' | 'ended';

/** Where the cells of a service begin: below its stage. */
const CELLS_AT = 12;

const bold = (text: string): string => styleText('bold', text);
const dim = (text: string): string => styleText('dim', text);
const green = (text: string): string => styleText('green', text);
const yellow = (text: string): string => styleText('yellow', text);
const number = (value: number): string => value.toLocaleString('en');

interface Terminal {
  readonly columns: number;
  readonly rows: number;
}

/**
 * @returns no line wider than the terminal, and no more of them than it has rows: what is below the services goes
 *          first, the least important of it at first
 */
export function screen(state: UpState, phase: Phase, { columns, rows }: Terminal): string[] {
  const services = [
    `${bold('ticket-stream')}  ${dim(state.source)}`,
    '',
    ...(state.step === undefined ? [] : [`  ${state.step} …`]),
    ...(state.producer === undefined ? [] : producerLines(state.producer, state.rate, columns)),
    ...(state.search === undefined ? [] : consumerLines(state.search, columns)),
    ...(state.alerting === undefined ? [] : consumerLines(state.alerting, columns)),
  ];
  const blocks = below(state, phase);
  // The cursor stands on a row of its own.
  for (;;) {
    const lines = [...services, ...blocks.flatMap(({ text }) => ['', ...text])].flatMap((line) =>
      wrapLine(line, columns),
    );
    const least = blocks.reduce<number | undefined>(
      (found, { keep }, at) => (found === undefined || keep < (blocks[found]?.keep ?? 0) ? at : found),
      undefined,
    );
    if (lines.length < rows || least === undefined) return lines;
    blocks.splice(least, 1);
  }
}

/** `keep`: in a terminal with too few rows, the lowest goes first. */
function below(state: UpState, phase: Phase): { readonly text: readonly string[]; readonly keep: number }[] {
  if (phase === 'ended')
    return [
      { text: [dim(`  Stopped. The next start goes on from here; data in ${state.dataDir}`)], keep: 2 },
    ];
  if (phase === 'stopping') return [{ text: ['  stopping …'], keep: 2 }];
  const goesOn = `  Data and logs in ${state.dataDir}. Ctrl-C stops; the next start goes on where this one stopped.`;
  return [
    { text: tries(state), keep: 1 },
    { text: state.notes.map((note) => dim(`  ${note}`)), keep: 0 },
    { text: [dim(goesOn)], keep: 2 },
  ].filter(({ text }) => text.length > 0);
}

function tries({ searchUrl, alertingUrl, source, commandPrefix: prefix }: UpState): string[] {
  const commands = [
    ...(searchUrl === undefined
      ? []
      : [
          `${prefix}npx ticket-stream search 'refund status:open'`,
          `curl '${searchUrl}/search?q=priority:urgent'`,
        ]),
    ...(alertingUrl === undefined ? [] : [`curl '${alertingUrl}/alerts?limit=5'`]),
    ...(searchUrl !== undefined && source.startsWith('simulator')
      ? [`${prefix}npm run simulator -- change 4711 --set priority=urgent`]
      : []),
  ];
  return commands.map((command, at) => `  ${at === 0 ? 'Try' : '   '}      ${command}`);
}

function producerLines(progress: ProducerProgress, rate: number, columns: number): string[] {
  const { stage, published, repeated, deadLettered, positionSecond, waitingFor, backfill } = progress;
  const lines = serviceLines(
    'producer',
    stage === 'live' || stage === 'ended' ? green(stage) : stage,
    [
      `${number(published).padStart(9)} published`,
      backfill === undefined && stage === 'backfill' ? `${number(Math.round(rate))}/s` : '',
      backfill !== undefined || positionSecond === undefined ? '' : `complete to ${time(positionSecond)}`,
      repeated > 0 ? dim(`${number(repeated)} repeats dropped`) : '',
      deadLettered > 0 ? yellow(`${number(deadLettered)} dead letters`) : '',
      waitingFor === undefined ? '' : yellow(`waiting for ${waitingFor}`),
    ],
    columns,
  );
  return backfill === undefined || stage === 'starting'
    ? lines
    : [...lines, ...cellLines(' '.repeat(CELLS_AT), backfillParts(backfill), ' · ', columns)];
}

function consumerLines(progress: ConsumerProgress, columns: number): string[] {
  const { service, books, caughtUp, lag, indexed, alerts, lastAlert, waitingFor } = progress;
  return serviceLines(
    service,
    caughtUp && lag === 0 ? green('caught up') : 'reading',
    [
      `${number(books.consumed).padStart(9)} consumed`,
      lag === undefined || lag === 0 ? '' : `lag ${number(lag)}`,
      indexed === undefined ? '' : `${number(indexed)} tickets indexed`,
      alerts === undefined ? '' : `${number(alerts)} alerts`,
      lastAlert === undefined ? '' : `last: ${lastAlert.rule} #${lastAlert.ticketId}`,
      books.deadLettered > 0 ? yellow(`${number(books.deadLettered)} dead letters`) : '',
      waitingFor === undefined ? '' : yellow(`waiting for ${waitingFor}`),
    ],
    columns,
  );
}

function serviceLines(name: string, stage: string, cells: readonly string[], columns: number): string[] {
  const head = `  ${bold(name.padEnd(8))}  ${stage}${' '.repeat(Math.max(0, 9 - stringWidth(stage)))}  `;
  return cellLines(head, cells, '  ', columns);
}

/** The cells that are not empty, as many on a line as fit; the next line begins below the first one's stage. */
function cellLines(head: string, cells: readonly string[], gap: string, columns: number): string[] {
  const lines: string[] = [];
  let line = head;
  let isFirst = true;
  for (const cell of cells) {
    if (cell === '') continue;
    if (!isFirst && stringWidth(line) + gap.length + stringWidth(cell) > columns) {
      lines.push(line);
      [line, isFirst] = [' '.repeat(CELLS_AT), true];
    }
    line += isFirst ? cell : `${gap}${cell}`;
    isFirst = false;
  }
  return [...lines, line];
}

function time(epochSecond: number): string {
  return new Date(epochSecond * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
