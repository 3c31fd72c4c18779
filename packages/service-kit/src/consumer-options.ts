import { option } from './option.ts';

/** How a service reads the tickets topic; `subscriptionSettings` makes of it what `subscribe` takes. */
export const consumerOptions = {
  ALLOW_GAP: option.boolean({
    text: 'Whether reading goes on where that skips changes: the log was cut, or its group was moved ahead of what is stored. Otherwise it stops (exit code 5), or reads the skipped changes all the same.',
    default: false,
  }),
  DEAD_LETTERS_MAX: option.integer({
    text: 'How many of the last 1,000 records may be dead letters; one more stops the service (exit code 5), and nothing is lost.',
    default: 100,
    min: 0,
    max: 1_000,
  }),
  EXCLUDE_SYSTEM_UPDATES: option.boolean({
    text: 'Whether versions are left out that only the system made (automations, SLA): the ones that leave updated_at as it was. Deletions and scrubs come all the same.',
    default: false,
  }),
};

const DEAD_LETTER_WINDOW_RECORDS = 1_000;

/** The options as packages/subscriber takes them. */
export function subscriptionSettings(values: {
  readonly ALLOW_GAP: boolean;
  readonly DEAD_LETTERS_MAX: number;
  readonly EXCLUDE_SYSTEM_UPDATES: boolean;
}) {
  return {
    allowGap: values.ALLOW_GAP,
    excludeSystemUpdates: values.EXCLUDE_SYSTEM_UPDATES,
    deadLetterWindow: { size: DEAD_LETTER_WINDOW_RECORDS, letters: values.DEAD_LETTERS_MAX },
  };
}
