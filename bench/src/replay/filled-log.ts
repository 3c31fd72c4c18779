import { type MadeVersion, openTicketsLog, type TicketsLog } from '../../../test/support/tickets-log.ts';
import type { SampleTicket } from '../publish/sample-tickets.ts';

const PAGE_RECORDS = 1_000;

export interface FilledLog {
  readonly log: TicketsLog;
  readonly records: number;
  readonly ends: Readonly<Record<string, string>>;
  /** Raises so many tickets to urgent that were not, as a change of now. */
  raiseToUrgent(count: number): Promise<void>;
}

/**
 * A tickets topic of `tickets` records, a ticket each, made of the samples with ids of their own; then `again` of the
 * tickets a second time, changed: every tenth of those raised to urgent, the others with another subject.
 */
export async function fillLog(
  at: { readonly brokers: string; readonly topic: string },
  samples: readonly SampleTicket[],
  { tickets, again = 0 }: { readonly tickets: number; readonly again?: number },
): Promise<FilledLog> {
  const log = await openTicketsLog(at.brokers, at.topic, { source: 'https://bench.zendesk.com' });
  // Of today, so that alerting would not call them too old.
  const stamp = Math.floor(Date.now() / 1_000) - 3_600;
  const sample = (n: number) => samples[n % samples.length] as SampleTicket;
  const first = (n: number): Buffer => {
    const { head, tail } = sample(n);
    return Buffer.from(`${head}${idOf(n)}${tail}`);
  };
  const second = (n: number): Buffer => {
    const ticket = JSON.parse(first(n).toString()) as Record<string, unknown>;
    return Buffer.from(
      JSON.stringify(
        n % 10 === 0 ? { ...ticket, priority: 'urgent' } : { ...ticket, subject: `changed ${n}` },
      ),
    );
  };
  for (const [count, of, at] of [
    [tickets, first, stamp],
    [again, second, stamp + 60],
  ] as const) {
    for (let n = 0; n < count; n += PAGE_RECORDS) {
      const size = Math.min(PAGE_RECORDS, count - n);
      await log.publish(
        Array.from({ length: size }, (_, k) => ({ id: idOf(n + k), stamp: at, value: of(n + k) })),
      );
    }
  }
  const ends = Object.fromEntries(
    [...(await log.ends())].map(([partition, end]) => [partition, String(end)]),
  );
  return {
    log,
    records: tickets + again,
    ends,
    async raiseToUrgent(count) {
      const raised: MadeVersion[] = [];
      for (let n = again; raised.length < count && n < tickets; n++) {
        const ticket = JSON.parse(first(n).toString()) as Record<string, unknown>;
        if (ticket['priority'] === 'urgent') continue;
        const value = Buffer.from(JSON.stringify({ ...ticket, priority: 'urgent' }));
        raised.push({ id: idOf(n), stamp: Math.floor(Date.now() / 1_000), value });
      }
      await log.publish(raised);
    },
  };
}

/** Of seven digits, all of one length, as Zendesk's are in an account of some age. */
function idOf(n: number): number {
  return 1_000_000 + n;
}
