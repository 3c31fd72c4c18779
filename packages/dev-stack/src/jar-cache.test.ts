import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedJars, fetchJars, type JarSet, jarCacheDir } from './jar-cache.ts';
import type { KafkaProgress } from './progress.ts';

const jars = { 'one.jar': 'bytes of one', 'two.jar': 'bytes of two' };
let folder: string;
let cacheDir: string;
let jarSet: JarSet;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jar-cache-'));
  cacheDir = join(folder, 'cache');
  jarSet = { name: 'things-1.0', pomFile: join(folder, 'pom.xml'), digestsFile: join(folder, 'jars.sha256') };
  await writeFile(jarSet.pomFile, '<project/>');
  const digest = (bytes: string) => createHash('sha256').update(bytes).digest('hex');
  await writeFile(
    jarSet.digestsFile,
    Object.entries(jars)
      .map(([name, bytes]) => `${digest(bytes)}  ${name}\n`)
      .join(''),
  );
});
afterEach(() => rm(folder, { recursive: true }));

/** Stands in for Maven, in the shell: writes the given files to -DoutputDirectory and says what Maven says. */
async function mavenThatBrings(files: Readonly<Record<string, string>>, ending = 'exit 0'): Promise<string> {
  const maven = join(folder, 'mvn');
  const writes = Object.entries(files).map(
    ([name, bytes]) =>
      `echo "[INFO] Downloaded from central: x/${name} (12 kB)"; printf '%s' '${bytes}' > "$out/${name}"`,
  );
  const script = `#!/bin/sh
for argument; do case "$argument" in -DoutputDirectory=*) out="\${argument#*=}";; esac; done
${writes.join('\n')}
${ending}
`;
  await writeFile(maven, script);
  await chmod(maven, 0o755);
  return maven;
}

const how = { env: process.env, onProgress: () => {} };

test('fetched jars are found again, with their digests beside them', async () => {
  const seen: KafkaProgress[] = [];
  const fetched = await fetchJars(jarSet, cacheDir, await mavenThatBrings(jars), {
    ...how,
    onProgress: (progress) => seen.push(progress),
  });
  expect(await cachedJars(jarSet, cacheDir)).toBe(fetched);
  expect(await readFile(join(fetched, 'SHA256SUMS'), 'utf8')).toBe(
    await readFile(jarSet.digestsFile, 'utf8'),
  );
  expect(seen.map(({ done, total }) => `${done}/${total}`)).toEqual(['0/2', '1/2', '2/2']);
});

test('a pom of another version has a folder of its own', async () => {
  const fetched = await fetchJars(jarSet, cacheDir, await mavenThatBrings(jars), how);
  await writeFile(jarSet.pomFile, '<project>other</project>');
  expect(await cachedJars(jarSet, cacheDir)).toBeUndefined();
  expect(await fetchJars(jarSet, cacheDir, await mavenThatBrings(jars), how)).not.toBe(fetched);
});

test.each([
  ['a jar was cut', (at: string) => writeFile(join(at, 'one.jar'), 'bytes')],
  ['a jar is missing', (at: string) => rm(join(at, 'one.jar'))],
  [
    'a jar has other bytes of the same length',
    (at: string) => writeFile(join(at, 'one.jar'), 'bytes of 0ne'),
  ],
  ['a jar too many lies there', (at: string) => writeFile(join(at, 'three.jar'), 'bytes')],
])('a cache is not used when %s, and is made good by the next fetch', async (_what, damage) => {
  const fetched = await fetchJars(jarSet, cacheDir, await mavenThatBrings(jars), how);
  await damage(fetched);
  expect(await cachedJars(jarSet, cacheDir)).toBeUndefined();
  expect(await fetchJars(jarSet, cacheDir, await mavenThatBrings(jars), how)).toBe(fetched);
  expect(await cachedJars(jarSet, cacheDir)).toBe(fetched);
});

test('a download that was killed in the middle is not used', async () => {
  await mkdir(join(cacheDir, '.download-things-1.0-abc'), { recursive: true });
  await writeFile(join(cacheDir, '.download-things-1.0-abc', 'one.jar'), jars['one.jar']);
  expect(await cachedJars(jarSet, cacheDir)).toBeUndefined();
});

test('other bytes than the committed ones are refused and not kept', async () => {
  const maven = await mavenThatBrings({ ...jars, 'two.jar': 'other bytes' });
  await expect(fetchJars(jarSet, cacheDir, maven, how)).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
  });
  expect(await readdir(cacheDir)).toEqual([]);
});

test('when Maven fails, its own words are told', async () => {
  const maven = await mavenThatBrings({}, 'echo "[ERROR] Could not find artifact x"; exit 1');
  await expect(fetchJars(jarSet, cacheDir, maven, how)).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: expect.stringContaining('Could not find artifact x'),
  });
  expect(await readdir(cacheDir)).toEqual([]);
});

test('two runs that fetch at once both get whole jars', async () => {
  const maven = await mavenThatBrings(jars);
  const both = await Promise.all([1, 2].map(() => fetchJars(jarSet, cacheDir, maven, how)));
  expect(both[0]).toBe(both[1]);
  expect(await readdir(cacheDir)).toHaveLength(1);
  expect(await cachedJars(jarSet, cacheDir)).toBe(both[0]);
});

test('a download can be given up', async () => {
  const maven = await mavenThatBrings({ 'one.jar': jars['one.jar'] }, 'exec tail -f /dev/null');
  const giveUp = new AbortController();
  const fetching = fetchJars(jarSet, cacheDir, maven, {
    ...how,
    signal: giveUp.signal,
    onProgress: ({ done }) => {
      if (done === 1) giveUp.abort(new Error('given up'));
    },
  });
  await expect(fetching).rejects.toThrow('given up');
  expect(await readdir(cacheDir)).toEqual([]);
});

test('the cache lies where XDG_CACHE_HOME says, else under the home directory', () => {
  expect(jarCacheDir({ XDG_CACHE_HOME: '/caches', HOME: '/home/x' })).toBe('/caches/ticket-stream');
  expect(jarCacheDir({ HOME: '/home/x' })).toBe('/home/x/.cache/ticket-stream');
});
