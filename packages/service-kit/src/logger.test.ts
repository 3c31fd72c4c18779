import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TicketStreamError } from '@ticket-stream/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

type Settings = Partial<Parameters<typeof createLogger>[0]>;

function logged(
  settings: Settings,
  write: (logger: ReturnType<typeof createLogger>) => void,
): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger({ service: 'search', ...settings, destination: { write: (line) => lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

afterEach(() => {
  context.disable();
});

describe('the logger', () => {
  it('writes a JSON line with service, level in words and time', () => {
    const [line] = logged({}, (logger) => logger.info({ tickets: 3 }, 'page published'));
    expect(line).toMatchObject({ service: 'search', level: 'info', tickets: 3, msg: 'page published' });
    expect(new Date(String(line?.['time'])).toISOString()).toBe(line?.['time']);
  });

  it('leaves out what is below its level', () => {
    const lines = logged({ level: 'warn' }, (logger) => {
      logger.info('not this');
      logger.warn('this');
    });
    expect(lines.map(({ msg }) => msg)).toEqual(['this']);
  });

  it('adds the ids of the active span, and none without one', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
    const [outside, inside] = logged({}, (logger) => {
      logger.info('outside');
      context.with(trace.setSpan(context.active(), span), () => logger.info('inside'));
    });
    expect(inside).toMatchObject({
      trace_id: '1'.repeat(32),
      span_id: '2'.repeat(16),
      trace_flags: '01',
    });
    expect(outside).not.toHaveProperty('trace_id');
  });

  it('masks what stands under the name of a secret, in lines and in what is bound to a child', () => {
    const lines = logged({}, (logger) => {
      logger.info({ password: 'hunter1', request: { headers: { authorization: 'hunter2' } } }, 'sent');
      logger.info(
        { connection: { sasl: { password: 'hunter3' } }, oauth: { accessToken: 'hunter4' } },
        'open',
      );
      logger.child({ token: 'hunter5' }).info('bound');
    });
    expect(JSON.stringify(lines)).not.toContain('hunter');
    expect(lines[0]).toMatchObject({
      password: '(secret)',
      request: { headers: { authorization: '(secret)' } },
    });
  });

  it('cuts known secrets out of every line, however they got into it', () => {
    const lines = logged({ secrets: ['hun"ter 2', 'ab'] }, (logger) => {
      logger.info({ url: 'https://a.example/?key=hun%22ter%202' }, 'asked for hun"ter 2');
      logger.error({ err: new Error('refused: hun"ter 2') }, 'about');
    });
    expect(JSON.stringify(lines)).not.toMatch(/ter(?: |%20)2/);
    expect(lines[0]?.['msg']).toBe('asked for (secret)');
    // Too short to be cut out: half of every line would go with it.
    expect(lines[1]?.['msg']).toBe('about');
  });

  it('keeps code, remedy, context and the chain of causes of an error', () => {
    const socket = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      config: { headers: { authorization: 'Basic hunter2' }, body: 'Dear support' },
    });
    const [line] = logged({}, (logger) =>
      logger.error(
        {
          err: new TicketStreamError('kafka.unavailable', 'no broker answers', {
            cause: new AggregateError([socket], 'all failed'),
            context: { offset: 12n, partition: 0, refreshToken: 'hunter2' },
          }),
        },
        'waits',
      ),
    );
    expect(line?.['err']).toEqual({
      type: 'TicketStreamError',
      code: 'kafka.unavailable',
      message: 'no broker answers',
      remedy: 'Check KAFKA_BROKERS and the cluster; waits for it.',
      context: { offset: '12', partition: 0, refreshToken: '(secret)' },
      stack: expect.stringMatching(/^ +at /),
      cause: {
        type: 'AggregateError',
        message: 'all failed',
        stack: expect.any(String),
        errors: [
          { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED', stack: expect.any(String) },
        ],
      },
    });
    expect(JSON.stringify(line)).not.toMatch(/hunter|Dear support/);
  });

  it('ends a chain of causes that leads back to itself, and shows what is no error at all', () => {
    const circular = new Error('round');
    circular.cause = circular;
    const lines = logged({}, (logger) => {
      logger.error(circular);
      logger.error({ err: 'a text was thrown' }, 'odd');
    });
    expect(lines[0]).toMatchObject({ err: { message: 'round', cause: { message: 'round' } } });
    expect(lines[1]?.['err']).toEqual({ type: 'string', message: 'a text was thrown' });
  });
});
