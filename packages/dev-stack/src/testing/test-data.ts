import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { isTicketStreamError } from '@ticket-stream/errors';
import { endLeftBehind } from '../start-kafka.ts';

/**
 * Data directories of brokers for tests, all in one folder of this user, so that a run finds what a run before it,
 * killed in the middle, left behind. A directory whose run lives is locked by it and left alone.
 */
const folder = join(tmpdir(), `ticket-stream-tests-${userInfo().username}`);

export async function makeTestDataDir(name: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, `${name}-`));
}

/** Ends the brokers of dead runs and removes their data. */
export async function endBrokersOfDeadRuns(): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const dataDir = join(folder, name);
    try {
      const runWasKilled = await endLeftBehind(dataDir);
      // Otherwise it may be a directory that another run has just made and not locked yet.
      if (runWasKilled || (await isOlderThanAnHour(dataDir)))
        await rm(dataDir, { recursive: true, force: true });
    } catch (error) {
      if (!isTicketStreamError(error, 'store.locked')) throw error;
    }
  }
}

async function isOlderThanAnHour(dataDir: string): Promise<boolean> {
  const found = await stat(dataDir).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > 3_600_000;
}
