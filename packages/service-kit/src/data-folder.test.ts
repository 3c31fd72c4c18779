import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { dataFolder } from './data-folder.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'data-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('makes a folder for the service, readable for its owner only, and finds it again', () => {
  const dataDir = join(newFolder(), 'not', 'there', 'yet');
  const folder = dataFolder(dataDir, 'search');
  expect(folder).toBe(join(dataDir, 'search'));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(dataFolder(dataDir, 'search')).toBe(folder);
});

it('refuses a DATA_DIR that is no folder', () => {
  const file = join(newFolder(), 'file');
  writeFileSync(file, '');
  expect(() => dataFolder(file, 'search')).toThrow(
    expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining('DATA_DIR') }),
  );
});

it.skipIf(process.getuid?.() === 0)('refuses one that belongs to another user (skipped as root)', () => {
  const dataDir = newFolder();
  chmodSync(dataDir, 0o500);
  expect(() => dataFolder(dataDir, 'search')).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  chmodSync(dataDir, 0o700);
  chmodSync(dataFolder(dataDir, 'search'), 0o500);
  expect(() => dataFolder(dataDir, 'search')).toThrow(expect.objectContaining({ code: 'config.invalid' }));
});
