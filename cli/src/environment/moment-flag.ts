import { option } from '@ticket-stream/service-kit';
import { InvalidArgumentError } from 'commander';

const { schema: momentSchema } = option.moment({ text: '', min: 0 });
const { schema: durationSchema } = option.duration({ text: '', unit: 'ms', min: '0s' });

export const MOMENT_EXPECTED =
  'a date such as 2026-01-31 or 2026-01-31T08:00:00Z, or a time ago such as 90s, 15m or 2h';

/**
 * A moment as a person types it, in epoch milliseconds; undefined where it is none.
 * @param epochSeconds  whether a whole number is one, too; where a number can be an offset it is not
 */
export function readMoment(given: string, nowMs: number, epochSeconds: boolean): number | undefined {
  const text = given.trim();
  const ago = durationSchema.safeParse(text);
  if (ago.success) return nowMs - ago.data;
  if (!epochSeconds && /^\d+$/.test(text)) return undefined;
  const moment = momentSchema.safeParse(text);
  return moment.success ? moment.data * 1000 : undefined;
}

/** For commander. */
export function momentFlag(given: string): number {
  const found = readMoment(given, Date.now(), true);
  if (found === undefined) throw new InvalidArgumentError(`It must be ${MOMENT_EXPECTED}.`);
  return found;
}
