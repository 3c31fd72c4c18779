import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { OnceSummary } from './once-summary.ts';
import { screen } from './screen.ts';
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
  const show = (phase: 'running' | 'stopping' | 'ended'): void => {
    update(screen(state, phase, process.stdout).join('\n'));
  };
  const draw = (): void => {
    state.rate = meter.sample(state.producer?.published ?? 0, performance.now());
    show(stopping ? 'stopping' : 'running');
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
      state.step = undefined;
      show('ended');
      update.done();
      if (last !== undefined) process.stdout.write(`${summaryText(last)}\n`);
    },
  };
}

const bold = (text: string): string => styleText('bold', text);
const number = (value: number): string => value.toLocaleString('en');

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
