import { fork } from 'node:child_process';
import { expect, it } from 'vitest';
import type { ServiceMessage } from './progress.ts';

it('a reporter sends what changed only, and the last state at its end', async () => {
  const child = fork(new URL('../test/reporting-process.ts', import.meta.url), { stdio: 'ignore' });
  const pages: number[] = [];
  child.on('message', (message: ServiceMessage) => {
    if (message.type === 'progress' && message.progress.service === 'producer')
      pages.push(message.progress.pages);
  });
  const exitCode = await new Promise((resolve) => child.once('exit', resolve));
  expect(exitCode).toBe(0);
  expect(pages).toEqual([0, 1, 2]);
});
