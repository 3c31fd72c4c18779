import { stripVTControlCharacters, styleText } from 'node:util';
import type { ConsumerProgress, ProducerProgress } from '@ticket-stream/service-kit';
import { createLogUpdate } from 'log-update';
import wrapAnsi from 'wrap-ansi';
import type { OnceSummary } from './once-summary.ts';
import { RateMeter, type UpState } from './up-state.ts';

/** How a run is shown: a display that redraws itself, or a line of JSON a second. */
export interface View {
  summary(summary: OnceSummary): void;
  stopping(): void;
  end(): void;
}

const JSON_EVERY_MS = 1_000;
const REDRAW_EVERY_MS = 250;

export function showJsonLines(state: UpState): View {
  const meter = new RateMeter();
  const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const timer = setInterval(() => {
    state.rate = meter.sample(state.producer?.published ?? 0, performance.now());
    const { step, producer, search, alerting, rate } = state;
    print({
      at: new Date().toISOString(),
      ...(step === undefined ? {} : { step }),
      ...(producer === undefined
        ? {}
        : { producer: { ...pick(producer), rate: Math.round(rate), nextOffsets: undefined } }),
      ...(search === undefined ? {} : { search: { ...pick(search), nextOffsets: undefined } }),
      ...(alerting === undefined ? {} : { alerting: { ...pick(alerting), nextOffsets: undefined } }),
    });
  }, JSON_EVERY_MS);
  let last: OnceSummary | undefined;
  return {
    summary: (summary) => {
      last = summary;
    },
    stopping: () => clearInterval(timer),
    end: () => {
      if (last !== undefined) print(last);
    },
  };
}

function pick<T extends { service: string }>({ service: _service, ...rest }: T): Omit<T, 'service'> {
  return rest;
}

export function showOnTerminal(state: UpState): View {
  const update = createLogUpdate(process.stdout, { showCursor: false });
  const meter = new RateMeter();
  let stopping = false;
  let last: OnceSummary | undefined;
  const draw = (): void => {
    state.rate = meter.sample(state.producer?.published ?? 0, performance.now());
    update(screen(state, stopping).flatMap(fitted).join('\n'));
  };
  const timer = setInterval(draw, REDRAW_EVERY_MS);
  draw();
  return {
    summary: (summary) => {
      last = summary;
    },
    stopping: () => {
      stopping = true;
      draw();
    },
    end: () => {
      clearInterval(timer);
      stopping = false;
      state.step = undefined;
      update(screen(state, false, true).flatMap(fitted).join('\n'));
      update.done();
      if (last !== undefined) process.stdout.write(`${summaryText(last)}\n`);
    },
  };
}

/** A line no wider than the terminal, broken at spaces and indented as it began. */
function fitted(line: string): string[] {
  const columns = process.stdout.columns;
  if (stripVTControlCharacters(line).length <= columns) return [line];
  const lines = wrapAnsi(line, columns - 4, { trim: false }).split('\n');
  return lines.map((each, index) => (index === 0 ? each : `    ${each.trimStart()}`));
}

const bold = (text: string): string => styleText('bold', text);
const dim = (text: string): string => styleText('dim', text);
const number = (value: number): string => value.toLocaleString('en');

function screen(state: UpState, stopping: boolean, ended = false): string[] {
  const lines = [`${bold('ticket-stream')}  ${dim(state.source)}`, ''];
  if (state.step !== undefined) lines.push(`  ${state.step} …`, '');
  if (state.producer !== undefined) lines.push(producerLine(state.producer, state.rate));
  if (state.search !== undefined) lines.push(consumerLine(state.search, state.searchUrl));
  if (state.alerting !== undefined) lines.push(consumerLine(state.alerting, state.alertingUrl));
  if (ended)
    return [...lines, '', dim(`  Stopped. The next start goes on from here; data in ${state.dataDir}`)];
  if (stopping) return [...lines, '', '  stopping …'];
  if (state.searchUrl !== undefined) {
    lines.push(
      '',
      `  Try      npx ticket-stream search 'refund status:open'`,
      `           curl '${state.searchUrl}/search?q=priority:urgent'`,
      ...(state.source.startsWith('simulator')
        ? ['           npm run simulator -- change 4711 --set priority=urgent']
        : []),
    );
  }
  for (const note of state.notes) lines.push('', dim(`  ${note}`));
  lines.push(
    dim(`  Data and logs in ${state.dataDir}. Ctrl-C stops; the next start goes on where this one stopped.`),
  );
  return lines;
}

function producerLine(progress: ProducerProgress, rate: number): string {
  const { stage, published, repeated, deadLettered, positionSecond, waitingFor } = progress;
  const cells = [
    `  ${bold('producer')}  ${stageWord(stage)}`,
    `${number(published).padStart(9)} published`,
    stage === 'live' ? '' : `${number(Math.round(rate))}/s`,
    positionSecond === undefined ? '' : `complete to ${time(positionSecond)}`,
    repeated > 0 ? dim(`${number(repeated)} repeats dropped`) : '',
    deadLettered > 0 ? styleText('yellow', `${number(deadLettered)} dead letters`) : '',
    waitingFor === undefined ? '' : styleText('yellow', `waiting for ${waitingFor}`),
  ];
  return cells.filter((cell) => cell !== '').join('  ');
}

function consumerLine(progress: ConsumerProgress, url: string | undefined): string {
  const { service, books, caughtUp, lag, indexed, alerts, lastAlert, waitingFor } = progress;
  const cells = [
    `  ${bold(service.padEnd(8))}  ${caughtUp && lag === 0 ? styleText('green', 'caught up') : 'reading  '}`,
    `${number(books.consumed).padStart(9)} consumed `,
    lag === undefined || lag === 0 ? '' : `lag ${number(lag)}`,
    indexed === undefined ? '' : `${number(indexed)} tickets indexed`,
    alerts === undefined ? '' : `${number(alerts)} alerts`,
    lastAlert === undefined ? '' : `last: ${lastAlert.rule} #${lastAlert.ticketId}`,
    books.deadLettered > 0 ? styleText('yellow', `${number(books.deadLettered)} dead letters`) : '',
    waitingFor === undefined ? '' : styleText('yellow', `waiting for ${waitingFor}`),
    url === undefined || waitingFor !== undefined ? '' : dim(url),
  ];
  return cells.filter((cell) => cell !== '').join('  ');
}

function stageWord(stage: ProducerProgress['stage']): string {
  if (stage === 'live') return styleText('green', 'live     ');
  if (stage === 'ended') return styleText('green', 'ended    ');
  return stage.padEnd(9);
}

function time(epochSecond: number): string {
  return new Date(epochSecond * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

function summaryText(summary: OnceSummary): string {
  const { search, alerting } = summary;
  const row = (name: string, text: string): string => `  ${bold(name.padEnd(9))} ${text}`;
  const books = (each: Readonly<Record<string, number>>): string =>
    Object.entries(each)
      .map(([name, value]) => `${name} ${number(value)}`)
      .join(' · ');
  return [
    '',
    row('exported', `${number(summary.exported)} tickets, ${number(summary.published)} published`),
    row('search', books(search)),
    row('alerting', books(alerting)),
    row(
      'tickets',
      `${number(summary.distinctTickets)} in the topic, ${number(summary.indexedTickets)} in the index`,
    ),
    row('took', `${summary.seconds} s, largest service ${summary.peakRssMb} MB`),
  ].join('\n');
}
