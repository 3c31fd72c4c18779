/**
 * Which group a command means. The services' groups are named after the topic, and search's after its index as well, so
 * `search` and `alerting` are enough to type; any other name is taken as it is.
 */
import { TicketStreamError } from '@ticket-stream/errors';

export const SHORT_NAMES = ['search', 'alerting'] as const;

/**
 * @param groups  all there are
 * @returns       the full name; of a group that is not there, what was given
 * @throws kafka.group_unknown  a short name that no group, or more than one, has
 */
export function resolveGroupName(given: string, topic: string, groups: readonly string[]): string {
  if (given === 'alerting')
    return ofService(
      given,
      topic,
      groups.filter((name) => name === `${topic}.alerting`),
    );
  if (given !== 'search') return given;
  return ofService(
    given,
    topic,
    groups.filter((name) => name.startsWith(`${topic}.search.`)),
  );
}

function ofService(given: string, topic: string, found: readonly string[]): string {
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  if (only === undefined) {
    throw new TicketStreamError(
      'kafka.group_unknown',
      `no ${given} has read ${topic} yet: there is no group ${topic}.${given}${given === 'search' ? '.<index id>' : ''}`,
    );
  }
  throw new TicketStreamError(
    'kafka.group_unknown',
    `there are ${found.length} groups of ${given}: ${found.join(', ')}`,
    {
      remedy:
        'Two searches with data folders of their own are two indexes: give the full name of one. Nothing was changed.',
    },
  );
}

/** What keeps its positions with its data, and so begins at the lower of the two. */
export function serviceOf(group: string, topic: string): (typeof SHORT_NAMES)[number] | undefined {
  if (group === `${topic}.alerting`) return 'alerting';
  return group.startsWith(`${topic}.search.`) ? 'search' : undefined;
}
