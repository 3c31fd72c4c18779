import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program } from './testing/run-command.ts';

describe('ticket-stream', () => {
  it.skipIf(!existsSync('/dev/full'))('says in words that its output found no room', async () => {
    const service = createServer((_, response) => response.end('{"total":0,"hits":[],"next":null}'));
    await once(service.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void service.close());
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const script = '"$@" > /dev/full';
    const answer = await new Promise((resolve) => {
      const args = ['-c', script, 'sh', process.execPath, program, 'search', 'x', '--url', url];
      const child = execFile('/bin/sh', args, (_error, _stdout, stderr) => {
        resolve({ code: child.exitCode, stderr });
      });
    });
    expect(answer).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /^ticket-stream: the output cannot be written: ENOSPC.*\n {2}→ Give it room, or another place\..*\n$/,
      ),
    });
  });
});
