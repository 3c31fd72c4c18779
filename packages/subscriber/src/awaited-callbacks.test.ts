import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { awaitedCallbacks } from './awaited-callbacks.ts';

it('code is within a callback until that is over, and what it left running no longer', async () => {
  const callbacks = awaitedCallbacks();
  const isWithin: boolean[] = [callbacks.isWithin()];
  let leftBehind: Promise<void> | undefined;
  const over = Promise.withResolvers<void>();
  await callbacks.call(async () => {
    isWithin.push(callbacks.isWithin());
    await turn();
    isWithin.push(callbacks.isWithin());
    leftBehind = over.promise.then(() => {
      isWithin.push(callbacks.isWithin());
    });
  });
  over.resolve();
  await leftBehind;
  expect(isWithin).toEqual([false, true, true, false]);
});

it('a callback without a promise is over at once, and what it throws goes through', () => {
  const callbacks = awaitedCallbacks();
  expect(callbacks.call(() => 7)).toBe(7);
  const fail = () => {
    throw new Error('no');
  };
  expect(() => callbacks.call(fail)).toThrow('no');
  expect(callbacks.isWithin()).toBe(false);
});
