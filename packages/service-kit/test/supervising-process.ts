/** Starts the service of service-process.ts as a supervisor does, and says its process id; to be killed. */
import { fork } from 'node:child_process';

const child = fork(new URL('./service-process.ts', import.meta.url), {
  stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
});
child.stdout?.resume();
child.stderr?.resume();
process.send?.(child.pid);
