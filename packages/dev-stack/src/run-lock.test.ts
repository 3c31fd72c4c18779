import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lockRun } from './run-lock.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'run-lock-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

describe('the lock of a run', () => {
  it('is held by one at a time', () => {
    const lock = lockRun(dataDir);
    expect(() => lockRun(dataDir)).toThrow(expect.objectContaining({ code: 'store.locked' }));
    lock.release();
    lockRun(dataDir).release();
  });

  it('that is damaged, or cannot be made, is not called held by another', () => {
    const path = join(dataDir, 'run.lock');
    writeFileSync(path, 'no database, and longer than the header of one would be: '.repeat(20));
    expect(() => lockRun(dataDir)).toThrow(
      expect.objectContaining({ code: 'store.unusable', remedy: expect.stringContaining(path) }),
    );
    expect(() => lockRun(join(dataDir, 'missing'))).toThrow(
      expect.objectContaining({ code: 'store.unusable' }),
    );
  });
});
