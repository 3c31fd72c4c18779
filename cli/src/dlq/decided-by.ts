import { hostname, userInfo } from 'node:os';

/** Who runs the command, for the record: user@host. */
export function decidedBy(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
