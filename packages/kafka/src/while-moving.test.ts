import { expect, it, vi } from 'vitest';
import { whileCoordinatorMoves } from './while-moving.ts';

const loading = () => Promise.reject(Object.assign(new Error('loading'), { type: 'GROUP_LOAD_IN_PROGRESS' }));

it('asks again while the coordinator moves, and lets other errors through', async () => {
  let asked = 0;
  const step = async () => (++asked < 3 ? loading() : 'there');
  expect(await whileCoordinatorMoves(step)).toBe('there');
  expect(asked).toBe(3);
  await expect(whileCoordinatorMoves(() => Promise.reject(new Error('other')))).rejects.toThrow('other');
});

it('waits no longer than its signal lets it', async () => {
  const stopping = new AbortController();
  const waiting = whileCoordinatorMoves(loading, stopping.signal);
  stopping.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

it('waits no longer than any move lasts', async () => {
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  let asked = 0;
  const step = () => {
    nowMs = ++asked * 9_000;
    return loading();
  };
  await expect(whileCoordinatorMoves(step)).rejects.toThrow('loading');
  expect(asked).toBe(3);
  clock.mockRestore();
});
