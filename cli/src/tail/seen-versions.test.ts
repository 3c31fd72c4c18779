import { describe, expect, it } from 'vitest';
import { SeenVersions } from './seen-versions.ts';

describe('the versions seen in this run', () => {
  it('are copies: a view would keep the whole fetch in memory', () => {
    const fetched = Buffer.alloc(1_000_000, 'x');
    const seen = new SeenVersions();
    expect(seen.replace('1', fetched.subarray(10, 20))).toBeUndefined();
    const before = seen.replace('1', fetched.subarray(30, 40));
    expect(before).toEqual(Buffer.alloc(10, 'x'));
    expect(before?.buffer).not.toBe(fetched.buffer);
  });

  it('are no more than their bytes allow: those not seen for longest go first', () => {
    const seen = new SeenVersions(25);
    const version = Buffer.alloc(10);
    for (const id of ['1', '2', '1', '3']) seen.replace(id, version);
    expect(seen.replace('1', version)).toEqual(version);
    expect(seen.replace('2', version)).toBeUndefined();
  });
});
