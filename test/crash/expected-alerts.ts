import { ticketDigest } from '@ticket-stream/ticket';
import { versionName } from '../support/change-flow.ts';
import type { TicketsLog } from '../support/tickets-log.ts';

interface State {
  readonly status: string;
  readonly priority: string;
  readonly updated_at: string;
}

const OPEN = new Set(['new', 'open', 'pending']);

/**
 * What the rules that come with alerting must raise over this log, `<rule> <version id>` each: decided here anew,
 * from the log and the list of versions that must be applied.
 */
export async function expectedAlerts(
  { reader, topic }: TicketsLog,
  ends: ReadonlyMap<number, bigint>,
  expected: ReadonlyMap<string, readonly string[]>,
): Promise<Set<string>> {
  const alerts = new Set<string>();
  const before = new Map<string, State>();
  const applied = new Map<string, number>();
  for await (const records of reader.read(topic, { from: new Map(), to: ends })) {
    for (const { key, value } of records) {
      if (key === null || value === null) throw new Error('a record of ours without key or value');
      const id = key.toString();
      const now = JSON.parse(value.toString()) as State & { readonly generated_timestamp: number };
      const digest = ticketDigest(value);
      const count = applied.get(id) ?? 0;
      const name = versionName(now.generated_timestamp, digest);
      if (expected.get(id)?.[count] !== name) continue;
      applied.set(id, count + 1);
      const previous = before.get(id);
      before.set(id, now);
      if (previous === undefined) continue; // first seen: no transition is known
      const scrub =
        now.status === 'deleted' && previous.status === 'deleted' && previous.updated_at === now.updated_at;
      if (scrub) continue;
      const version = `${id}-${name}`;
      if (now.priority === 'urgent' && previous.priority !== 'urgent')
        alerts.add(`raised-to-urgent ${version}`);
      if (previous.status === 'solved' && OPEN.has(now.status)) alerts.add(`reopened ${version}`);
    }
  }
  return alerts;
}
