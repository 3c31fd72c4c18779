import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openFilesIn } from './open-files.ts';
import { PageSpill } from './page-spill.ts';

/** Hundreds of MB go to the disk and back. */
const TIMEOUT_MS = 120_000;

const root = mkdtempSync(join(tmpdir(), 'ticket-stream-spill-'));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true }));

async function all(spill: PageSpill): Promise<Buffer[]> {
  const entries: Buffer[] = [];
  for await (const entry of spill.entries()) entries.push(Buffer.from(entry));
  return entries;
}

const bytes = (length: number, fill: number) => Buffer.alloc(length, fill);

describe('entries', () => {
  test.prop(
    [fc.array(fc.array(fc.oneof(fc.nat(300), fc.nat(400_000)), { maxLength: 3 }), { maxLength: 12 })],
    {
      numRuns: 100,
    },
  )(
    'come back as they were added, in order, whatever their sizes',
    async (entries) => {
      const spill = new PageSpill(dir, 2 ** 40);
      const added = entries.map((parts, index) => parts.map((length) => bytes(length, index)));
      for (const parts of added) await spill.append(parts);
      const read = await all(spill);
      await spill.close();
      expect(read.map((entry) => entry.length)).toEqual(added.map((parts) => Buffer.concat(parts).length));
      expect(read.every((entry, index) => entry.equals(Buffer.concat(added[index] ?? [])))).toBe(true);
    },
    TIMEOUT_MS,
  );

  it('need no file while they are few', async () => {
    const spill = new PageSpill(join(dir, 'nowhere'), 1_000_000);
    await spill.append([bytes(100_000, 1)]);
    expect(await all(spill)).toEqual([bytes(100_000, 1)]);
    await spill.close();
  });

  it('are as many bytes as allowed, and no more', async () => {
    const spill = new PageSpill(dir, 1_000_000);
    for (let entry = 0; entry < 9; entry++) await spill.append([bytes(100_000, entry)]);
    await spill.append([bytes(99_960, 9)]);
    await expect(spill.append([])).rejects.toMatchObject({
      code: 'zendesk.page_too_large',
      context: { spillBytesMax: 1_000_000 },
    });
    expect(await all(spill)).toHaveLength(10);
    await spill.close();
  });
});

describe('the file', () => {
  it.runIf(process.platform === 'linux')(
    'has no name, is for its owner alone, and is freed when closed',
    async () => {
      const spill = new PageSpill(dir, 10_000_000);
      await spill.append([bytes(600_000, 1)]);
      expect(readdirSync(dir)).toEqual([]);
      const [file, ...others] = openFilesIn(dir);
      expect(others).toEqual([]);
      expect(statSync(file ?? '').mode & 0o777).toBe(0o600);
      expect(statSync(file ?? '').size).toBe(600_004);
      await spill.close();
      await spill.close();
      expect(openFilesIn(dir)).toEqual([]);
    },
  );

  it('does not outlive a process that is killed', async () => {
    const script = `
      import { PageSpill } from ${JSON.stringify(new URL('./page-spill.ts', import.meta.url).href)};
      const spill = new PageSpill(${JSON.stringify(dir)}, 1e9);
      await spill.append([Buffer.alloc(5_000_000, 1)]);
      process.stdout.write('spilled');
      setInterval(() => spill, 1_000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('spilled');
    child.kill('SIGKILL');
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('says what is wrong where its folder is missing', async () => {
    const spill = new PageSpill(join(dir, 'nowhere'), 10_000_000);
    await expect(spill.append([bytes(600_000, 1)])).rejects.toMatchObject({
      code: 'spill.unavailable',
      context: { dir: join(dir, 'nowhere'), reason: 'ENOENT' },
    });
    await spill.close();
  });
});
