import { TicketStreamError } from '@ticket-stream/errors';
import { type LogRecord, retryHeaders, silentLogger } from '@ticket-stream/kafka';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { type RetryLetters, retryLetters } from './retry-letters.ts';
import { logRecord, ticket } from './testing/log-record.ts';

const made = logRecord(ticket(1, 1), 0);
const letter: LogRecord = {
  ...made,
  headers: {
    ...made.headers,
    [retryHeaders.letter]: 'a-letter',
    [retryHeaders.partition]: '0',
    [retryHeaders.offset]: '7',
  },
};

describe('what is said of letters that have to wait', () => {
  let warned: unknown[];
  let away: boolean;
  let failure: Error | undefined;
  let letters: RetryLetters;
  beforeEach(() => {
    warned = [];
    away = false;
    letters = retryLetters({
      group: 'tickets.mine',
      ticketsTopic: 'tickets',
      reader: {
        async topicExists() {
          if (away) throw new TicketStreamError('kafka.unavailable', 'no broker answers');
          return true;
        },
        startOffsets: async () => new Map([[0, 0n]]),
        stableEndOffsets: async () => new Map([[0, 1n]]),
        async *read() {
          yield [letter];
        },
      },
      deadLetters: { settle: async () => {} },
      readCommitted: async () => new Map(),
      async apply() {
        if (failure !== undefined) throw failure;
        return { books: emptyBooks, outcomes: ['fresh'] };
      },
      setAside: async () => emptyBooks,
      onApplied() {},
      betweenBatches: (_, work) => work({ check() {}, async commit() {} }),
      logger: { ...silentLogger, warn: (context) => warned.push(context) },
    });
  });
  const look = async (times: number) => {
    for (let time = 0; time < times; time++) await letters.look([0]);
  };

  it.each([
    ['the sink is down', new TicketStreamError('sink.unavailable', 'down')],
    ['nobody foresaw why', new Error('odd')],
  ])('is one warning a letter, while %s', async (_, error) => {
    failure = error;
    await look(3);
    expect(warned).toEqual([expect.objectContaining({ err: error, key: 'a-letter' })]);
  });

  it('is nothing while Kafka is away: nobody knows of a letter then', async () => {
    away = true;
    await look(3);
    expect(warned).toEqual([]);
  });
});
