import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { partitionLocks } from './partition-locks.ts';

const dir = mkdtempSync(join(tmpdir(), 'partition-locks-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('locks of partitions, shared by the members of a store', () => {
  it('keep a second member from a partition at work, naming it, and from no other', async () => {
    const [one, other] = [partitionLocks(join(dir, 'store')), partitionLocks(join(dir, 'store'))];
    const atWork = Promise.withResolvers<string>();
    const working = one.hold(3, () => atWork.promise);
    for (const member of [one, other]) {
      await expect(member.hold(3, async () => 'at once')).rejects.toMatchObject({
        code: 'sink.unavailable',
        disposition: 'retry',
        context: { partition: 3 },
      });
    }
    expect(await other.hold(4, async () => 'another partition')).toBe('another partition');
    atWork.resolve('done');
    expect(await working).toBe('done');
    expect(await other.hold(3, async () => 'after it')).toBe('after it');
    for (const locks of [one, other]) locks.close();
  });

  it('are free again after work that failed', async () => {
    const locks = partitionLocks(join(dir, 'failing'));
    const failing = locks.hold(1, () => Promise.reject(new Error('the sink')));
    await expect(failing).rejects.toThrow('the sink');
    expect(await locks.hold(1, async () => 'again')).toBe('again');
    locks.close();
  });
});
