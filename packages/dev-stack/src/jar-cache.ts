import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Environment } from './find-program.ts';
import type { OnProgress } from './progress.ts';

/**
 * Jars fetched once by Maven and kept outside the project, so that a fresh clone, a second checkout and a machine
 * without network start at once. What is used is always whole: a download goes to a folder of its own and is
 * renamed when every jar has the digest that is committed beside its pom; the digests are compared again at every
 * start (43 MB in 0.1 s).
 */
export interface JarSet {
  /** Begins the folder's name in the cache, e.g. kafka-4.4.0. */
  readonly name: string;
  /** Lists every jar with its version. */
  readonly pomFile: string;
  /** Digest and name of every jar, as sha256sum writes them. */
  readonly digestsFile: string;
}

/** `$XDG_CACHE_HOME/ticket-stream`, or `~/.cache/ticket-stream`. */
export function jarCacheDir(env: Environment): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'ticket-stream');
}

/** @returns the folder of the jars, checked; undefined when they are not there or not whole */
export async function cachedJars(jarSet: JarSet, cacheDir: string): Promise<string | undefined> {
  const { folder, digests } = await describe(jarSet, cacheDir);
  return (await holdsExactly(folder, digests)) ? folder : undefined;
}

interface Download {
  readonly env: Environment;
  readonly onProgress: OnProgress;
  /** Ends Maven and throws its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has Maven fetch the jars into the cache. Two runs may do so at once: the first to finish wins, both use its folder.
 * @returns the folder of the jars
 * @throws dev_stack.unavailable  Maven failed, or what it brought is not what is committed; its last lines say why
 */
export async function fetchJars(
  jarSet: JarSet,
  cacheDir: string,
  maven: string,
  how: Download,
): Promise<string> {
  const { folder, digests } = await describe(jarSet, cacheDir);
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const download = await mkdtemp(join(cacheDir, `.download-${jarSet.name}-`));
  try {
    await runMaven(jarSet, download, digests.size, maven, how);
    if (!(await holdsExactly(download, digests))) {
      throw new TicketStreamError(
        'dev_stack.unavailable',
        `The jars that Maven brought for ${jarSet.name} are not the expected ones.`,
        {
          context: { pom: jarSet.pomFile },
          remedy: `Look at the Maven repository or mirror that is configured here, then try again; expected are the digests of ${jarSet.digestsFile}.`,
        },
      );
    }
    // Beside the jars, for people: `sha256sum -c SHA256SUMS`.
    await writeFile(join(download, 'SHA256SUMS'), await readFile(jarSet.digestsFile));
    await putInPlace(download, folder, digests);
    return folder;
  } finally {
    await rm(download, { recursive: true, force: true });
  }
}

async function describe(jarSet: JarSet, cacheDir: string) {
  const pom = await readFile(jarSet.pomFile);
  const digestLines = await readFile(jarSet.digestsFile, 'utf8');
  const digests = new Map<string, string>();
  for (const line of digestLines.split('\n')) {
    const [digest, name] = line.split(/\s+/);
    if (digest && name) digests.set(name, digest);
  }
  const version = createHash('sha256').update(pom).update(digestLines).digest('hex').slice(0, 12);
  return { folder: join(cacheDir, `${jarSet.name}-${version}`), digests };
}

async function holdsExactly(folder: string, digests: ReadonlyMap<string, string>): Promise<boolean> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jar'));
  if (names.length !== digests.size) return false;
  for (const name of names) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes === undefined) return false;
    if (createHash('sha256').update(bytes).digest('hex') !== digests.get(name)) return false;
  }
  return true;
}

async function putInPlace(download: string, folder: string, digests: ReadonlyMap<string, string>) {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(download, folder);
      return;
    } catch (error) {
      // Another run was faster, or a damaged folder is in the way; the damaged one goes, by a rename because a
      // half deleted folder would be the same trouble again.
      if (await holdsExactly(folder, digests)) return;
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (attempt === 3 || (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR')) throw error;
      const damaged = await mkdtemp(join(dirname(folder), '.damaged-'));
      await rename(folder, join(damaged, 'jars')).catch(() => {});
      await rm(damaged, { recursive: true, force: true });
    }
  }
}

/** Downloads whose run was killed an hour ago or earlier; a younger one may still be at work. */
async function removeAbandoned(cacheDir: string) {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith('.download-') && !name.startsWith('.damaged-')) continue;
    const folder = join(cacheDir, name);
    const found = await stat(folder).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > 3_600_000) await rm(folder, { recursive: true, force: true });
  }
}

function runMaven(
  jarSet: JarSet,
  outputDir: string,
  total: number,
  maven: string,
  { env, onProgress, signal }: Download,
): Promise<void> {
  const tell = (done: number) =>
    onProgress({
      stage: 'downloading_jars',
      text: `Fetching the jars of ${jarSet.name}, once for this machine`,
      done: Math.min(done, total),
      total,
    });
  return new Promise((resolve, reject) => {
    const child = spawn(
      maven,
      [
        '--batch-mode',
        '--file',
        jarSet.pomFile,
        'dependency:copy-dependencies',
        `-DoutputDirectory=${outputDir}`,
        // The pom lists every jar itself; nothing comes along that it does not name.
        '-DexcludeTransitive=true',
      ],
      { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) },
    );
    const lastLines: string[] = [];
    let done = 0;
    tell(0);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lastLines.push(line);
        if (lastLines.length > 40) lastLines.shift();
        if (/^(\[INFO\] )?Downloaded from .*\.jar\b/.test(line)) tell(++done);
      });
    }
    child.once('error', (cause) =>
      reject(
        signal?.aborted ? signal.reason : mavenFailed(jarSet, 'Maven could not be run', lastLines, cause),
      ),
    );
    child.once('close', (code, ending) => {
      if (code === 0) resolve();
      else reject(mavenFailed(jarSet, `Maven ended with ${ending ?? code}`, lastLines));
    });
  });
}

function mavenFailed(jarSet: JarSet, what: string, lastLines: readonly string[], cause?: unknown) {
  const errors = lastLines.filter((line) => line.startsWith('[ERROR]')).slice(0, 4);
  const said = (errors.length > 0 ? errors : lastLines.slice(-4)).join('\n');
  return new TicketStreamError(
    'dev_stack.unavailable',
    `${what} while fetching ${jarSet.name}.\n${said}`.trim(),
    {
      cause,
      context: { pom: jarSet.pomFile },
      remedy:
        'Check the network and the Maven settings (~/.m2/settings.xml), or set KAFKA_BROKERS to a cluster that runs.',
    },
  );
}
