#!/usr/bin/env node
// Plain JavaScript that any Node can read: the rest is TypeScript, run as it is by Node 24. Under an older Node the
// one that `npm ci` brought along takes over; without it, one line says what is wrong.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const NEEDED = [24, 12];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major === NEEDED[0] && minor >= NEEDED[1]) {
  await import('../src/main.ts');
} else {
  let bundled;
  try {
    bundled = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(
      `ticket-stream needs Node ${NEEDED.join('.')} or a later ${NEEDED[0]}; this is ${process.versions.node}. Run "npm ci", which brings it along, or install it.\n`,
    );
    process.exit(2);
  }
  const child = spawn(bundled, process.argv.slice(1), { stdio: 'inherit' });
  // Both are in the terminal's foreground group: Ctrl-C reaches the child by itself.
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}
