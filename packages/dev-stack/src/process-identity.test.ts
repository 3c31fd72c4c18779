import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { identifyProcess, isRunning, signalProcess } from './process-identity.ts';

async function sleepingProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("here")']);
  await once(child.stdout, 'data');
  const identity = identifyProcess(child.pid ?? -1);
  if (identity === undefined) throw new Error('The process was not found.');
  return { child, identity };
}

test('a process is itself until it ends', async () => {
  const { child, identity } = await sleepingProcess();
  expect(isRunning(identity)).toBe(true);
  const ended = once(child, 'exit');
  expect(signalProcess(identity, 'SIGTERM')).toBe(true);
  await ended;
  expect(isRunning(identity)).toBe(false);
  expect(identifyProcess(identity.pid)).toBeUndefined();
});

test('another process with the same pid is not it, and is not ended', async () => {
  const { child, identity } = await sleepingProcess();
  const former = { ...identity, startedAt: 'an earlier boot:12345' };
  expect(isRunning(former)).toBe(false);
  expect(signalProcess(former, 'SIGKILL')).toBe(false);
  expect(isRunning(identity)).toBe(true);
  child.kill();
});
