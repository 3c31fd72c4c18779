import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A process as one that can be told apart from a later one with the same pid: the kernel reuses pids, and ending
 * a stranger because a file from last week names its number would be worse than leaving a broker behind.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words; only compared for equality. */
  readonly startedAt: string;
}

/** @returns the identity of a process that runs now; undefined when there is none (or only its unreaped remains) */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startedAtByProc(pid) : startedAtByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends the signal unless the process is gone. @returns whether there was a process to send it to */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

function startedAtByProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command name stands in parentheses and may itself hold spaces and parentheses; the fields follow the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const threads = Number(fields[17]);
  const startTicks = fields[19];
  if (startTicks === undefined) return undefined;
  // A zombie is gone, unless it is only the first thread of a killed JVM: the others hold its ports a moment longer.
  if ((state === 'Z' && threads <= 1) || state === 'X') return undefined;
  // Ticks count from boot, so the same number can come again after a reboot.
  return `${bootId()}:${startTicks}`;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown-boot';
  }
}

function startedAtByPs(pid: number): string | undefined {
  try {
    const answer = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state, ...startedAt] = answer.split(/\s+/);
    if (state === undefined || state.startsWith('Z') || startedAt.length === 0) return undefined;
    return startedAt.join(' ');
  } catch {
    return undefined;
  }
}
