import type { LogRecord } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { recordTraceId, traceBatch } from './process-span.ts';
import { logRecord, ticket } from './testing/log-record.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const sent = logRecord(ticket(1, 100), 0);
const withTrace = (traceparent: NonNullable<LogRecord['headers']>[string]): LogRecord => ({
  ...sent,
  headers: { ...sent.headers, traceparent },
});

describe('the trace a record was sent in', () => {
  it('is named by its header', () => {
    expect(recordTraceId(withTrace(Buffer.from(`00-${TRACE_ID}-00f067aa0ba902b7-01`)))).toBe(TRACE_ID);
  });

  it.each([
    ['is not there', sent],
    ['has no value', withTrace(null)],
    ['is given twice', withTrace([Buffer.from('00'), null])],
    ['is something else', withTrace(Buffer.from('of another kind'))],
  ])('is unknown where the header %s, and the batch is worked on all the same', async (_how, record) => {
    expect(recordTraceId(record)).toBeUndefined();
    await expect(traceBatch('tickets', 'mine', [record], async () => 'worked on')).resolves.toBe('worked on');
  });
});
