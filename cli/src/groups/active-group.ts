/** A group with members: who they are, and waiting for them to be gone. */
import { setTimeout as wait } from 'node:timers/promises';
import { TicketStreamError } from '@ticket-stream/errors';
import { type ConsumerGroup, describeGroups, isInactive } from '@ticket-stream/kafka';
import { count } from '../text/count.ts';
import { oneLine } from '../text/line.ts';

const POLL_MS = 500;

/** A line a member: "ticket-stream-search at 10.0.0.7, member id …". */
export function memberLines({ members }: ConsumerGroup): string[] {
  return members.map(({ clientId, clientHost, memberId }) =>
    oneLine(`${clientId} at ${clientHost}, member id ${memberId}`),
  );
}

/** @throws kafka.group_active  naming who is in it; says so too where it has no members, but is about to have */
export function requireInactive(found: ConsumerGroup | undefined): void {
  if (found === undefined || isInactive(found)) return;
  throw groupActive(found);
}

function groupActive(found: ConsumerGroup): TicketStreamError {
  const { group, state, members } = found;
  const who = memberLines(found).map((line) => `\n    ${line}`);
  return new TicketStreamError(
    'kafka.group_active',
    `the group ${oneLine(group)} is active (${state}, ${count(members.length, 'member', 'members')}):${who.join('')}`,
    {
      context: { group, state, members: members.length },
      remedy:
        'Stop what is named there and run this again. A member that was killed counts until its session ends, 10 s with our services, up to minutes with others: --wait waits for that. Nothing was changed.',
    },
  );
}

/**
 * Waits until the group has no members.
 * @throws kafka.group_active  after so many seconds
 */
export async function awaitInactive(
  kafka: Parameters<typeof describeGroups>[0],
  group: string,
  options: { readonly seconds: number; readonly signal: AbortSignal; onWaiting(found: ConsumerGroup): void },
): Promise<void> {
  const deadlineMs = performance.now() + options.seconds * 1000;
  for (;;) {
    const [found] = await describeGroups(kafka, [group]);
    if (found === undefined || isInactive(found)) return;
    if (performance.now() > deadlineMs) throw groupActive(found);
    options.onWaiting(found);
    await wait(POLL_MS, undefined, { signal: options.signal });
  }
}
