import { existsSync, readdirSync, readlinkSync } from 'node:fs';

const DESCRIPTORS = '/proc/self/fd';

/** For tests: files of a folder that this process holds open, unlinked or not. None where the system does not tell. */
export function openFilesIn(dir: string): string[] {
  if (!existsSync(DESCRIPTORS)) return [];
  return readdirSync(DESCRIPTORS)
    .map((descriptor) => `${DESCRIPTORS}/${descriptor}`)
    .filter((descriptor) => {
      try {
        return readlinkSync(descriptor).startsWith(`${dir}/`);
      } catch {
        return false; // The one that listed the others.
      }
    });
}
