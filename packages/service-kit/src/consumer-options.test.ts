import { expect, it } from 'vitest';
import { subscriptionSettings } from './consumer-options.ts';

it('hands each option on as it was given', () => {
  const values = { ALLOW_GAP: false, DEAD_LETTERS_MAX: 7, EXCLUDE_SYSTEM_UPDATES: false };
  const settings = {
    allowGap: false,
    excludeSystemUpdates: false,
    deadLetterWindow: { size: 1_000, letters: 7 },
  };
  expect(subscriptionSettings(values)).toEqual(settings);
  expect(subscriptionSettings({ ...values, ALLOW_GAP: true })).toEqual({ ...settings, allowGap: true });
  expect(subscriptionSettings({ ...values, EXCLUDE_SYSTEM_UPDATES: true })).toEqual({
    ...settings,
    excludeSystemUpdates: true,
  });
});
