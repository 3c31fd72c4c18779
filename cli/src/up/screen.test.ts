import { stripVTControlCharacters } from 'node:util';
import type { BackfillProgress, ConsumerProgress, ProducerProgress } from '@ticket-stream/service-kit';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { screen } from './screen.ts';
import { createUpState, type UpState } from './up-state.ts';

const backfill: BackfillProgress = {
  tickets: 1_204_000,
  ticketsPerSecond: 9_600,
  positionSecond: Date.UTC(2024, 2, 7) / 1000,
  fraction: 0.41,
  endsInSeconds: 12_000,
  elapsedSeconds: 120,
  requestsLastMinute: 600,
  requestsAllowed: 600,
  waitedSeconds: { pace: 12, rate_limit: 93, zendesk: 4, kafka: 61 },
  waiting: { cause: 'rate_limit', forSeconds: 10, leftSeconds: 83 },
};

const producer: ProducerProgress = {
  service: 'producer',
  stage: 'backfill',
  pages: 1_204,
  requests: 1_210,
  exported: 1_204_000,
  published: 1_203_000,
  repeated: 990,
  deadLettered: 10,
  positionSecond: Date.UTC(2024, 2, 7) / 1000,
  nextOffsets: {},
  waitingFor: 'Zendesk, 93 s (429)',
  backfill,
};

const search: ConsumerProgress = {
  service: 'search',
  books: { consumed: 1_100_000, applied: 1_100_000, duplicate: 0, stale: 0, skipped: 0, deadLettered: 3 },
  lag: 103_000,
  nextOffsets: {},
  caughtUp: false,
  waitingFor: undefined,
  indexed: 1_100_000,
};

function stateOf(given: Partial<UpState> = {}): UpState {
  const alerting: ConsumerProgress = {
    ...search,
    service: 'alerting',
    alerts: 12,
    lastAlert: { rule: 'raised-to-urgent', ticketId: '4711', at: '' },
  };
  return {
    ...createUpState(
      'simulator, 2,000,000 tickets, seed 1',
      '/home/somebody/src/ticket-stream/.data/simulator',
    ),
    step: undefined,
    producer,
    search,
    alerting,
    searchUrl: 'http://127.0.0.1:7700',
    alertingUrl: 'http://127.0.0.1:7701',
    notes: [
      'The simulator allows 600 requests a minute and leaves out the last 2 s; Zendesk allows 10 and leaves out 60 s.',
    ],
    ...given,
  };
}

const shown = (
  state: UpState,
  columns: number,
  rows = 50,
  phase: 'running' | 'ended' = 'running',
): string[] => screen(state, phase, { columns, rows }).map((line) => stripVTControlCharacters(line));

describe('the display of up', () => {
  it('shows during a backfill how far it is, how fast, until when and what it waited for', () => {
    const calm = {
      ...producer,
      repeated: 0,
      deadLettered: 0,
      waitingFor: undefined,
      backfill: {
        ...backfill,
        endsInSeconds: 240,
        waitedSeconds: { pace: 12, rate_limit: 0, zendesk: 0, kafka: 0 },
        waiting: undefined,
      },
    };
    expect(shown(stateOf({ producer: calm }), 120).slice(2, 4)).toEqual([
      '  producer  backfill   1,203,000 published',
      '            2024-03-07 · 41 % · 9,600/s · ends in 4 min · 600 of 600 requests a minute · waited 12 s for the pace',
    ]);
  });

  it('shows live how far the export is complete', () => {
    const live = {
      ...producer,
      stage: 'live',
      backfill: undefined,
      repeated: 0,
      deadLettered: 0,
      waitingFor: undefined,
    } as const;
    expect(shown(stateOf({ producer: live }), 100)[2]).toBe(
      '  producer  live       1,203,000 published  complete to 2024-03-07 00:00:00',
    );
  });

  it.each([
    [200, 50],
    [100, 30],
    [80, 24],
    [60, 20],
    [40, 12],
  ])('with everything to say at once fits %d × %d', (columns, rows) => {
    const lines = shown(stateOf(), columns, rows);
    for (const line of lines) expect([line, stringWidth(line) <= columns]).toEqual([line, true]);
    const services = lines.findIndex((line, at) => at > 2 && line === '');
    expect(lines.length < rows || services === -1).toBe(true);
    expect(lines.join(' ')).toContain('12 alerts');
  });

  it('in 24 rows does without its notes first', () => {
    const lines = shown(stateOf(), 80, 24).join(' ');
    expect(lines).not.toContain('The simulator allows');
    expect(lines).toContain('npx ticket-stream search');
    expect(lines).toContain('Data and logs in');
  });

  it('breaks lines between cells, never inside one', () => {
    const lines = shown(stateOf(), 80);
    for (const cell of [
      '1,203,000 published',
      '990 repeats dropped',
      '10 dead letters',
      'waiting for Zendesk, 93 s (429)',
      'ends in 3 h 20 min',
      '600 of 600 requests a minute',
      'last: raised-to-urgent #4711',
    ])
      expect([cell, lines.some((line) => line.includes(cell))]).toEqual([cell, true]);
  });

  it('says at every moment of the start what is being done', () => {
    const starting = stateOf({
      producer: undefined,
      search: undefined,
      alerting: undefined,
      searchUrl: undefined,
      step: 'starting Kafka',
    });
    expect(shown(starting, 80)).toContain('  starting Kafka …');
  });

  it('says at its end that nothing is lost, and where it is kept', () => {
    const lines = shown(stateOf(), 100, 30, 'ended');
    expect(lines.join(' ')).toContain('Stopped. The next start goes on from here; data in');
    expect(lines.join()).not.toContain('Try');
  });
});
