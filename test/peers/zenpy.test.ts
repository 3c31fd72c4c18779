import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type Simulator,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { beforeAll, describe, expect, it } from 'vitest';
import { pythonWith } from '../support/python-packages.ts';

/** zenpy does not ask for what changed in the last five minutes, by the machine's clock. */
const AGO_SECONDS = 2 * 3600;
/** More than a page, in one second. */
const BURST = 1_200;

/**
 * zenpy knows Zendesk and nothing of us. What it makes of the simulator says whether that is like Zendesk: two hours of
 * changes after the first start, a second that is too full for a page, tickets of AI agents that are not to be shown.
 */
describe('the simulator, read by zenpy', () => {
  let simulator: Simulator;
  let python: string;

  beforeAll(async () => {
    python = await pythonWith(join(import.meta.dirname, 'zenpy-requirements.txt'));
    const dataDir = mkdtempSync(join(tmpdir(), 'zenpy-'));
    simulator = await startSimulator({
      dataDir,
      seed: 11,
      tickets: 4_000,
      burst: BURST,
      aiAgentShare: 0.05,
      liveChangesPerMinute: 30,
      frozen: Math.floor(Date.now() / 1000) - AGO_SECONDS,
      requestsPerMinute: Number.POSITIVE_INFINITY,
    });
    simulator.advance(3600);
    return async () => {
      await simulator.stop();
      rmSync(dataDir, { recursive: true, force: true });
    };
  }, 300_000);

  it.for(['time', 'cursor'] as const)('shows it, by %s, every ticket in its latest version', async (mode) => {
    const lines = await readWithZenpy(python, simulator.url, mode);
    const expected = new Set<string>();
    for (const { id, generatedTimestamp, visible, supportType } of simulator.latest()) {
      if (visible && supportType === 'agent') expected.add(`${id} ${generatedTimestamp}`);
    }
    expect(new Set(lines)).toEqual(expected);
    expect(expected.size).toBeGreaterThan(3_500);
    // By time the boundary seconds come twice; by cursor nothing does.
    if (mode === 'time') expect(lines.length).toBeGreaterThan(expected.size);
    else expect(lines.length).toBe(expected.size);
    expect(simulator.status().requests).toMatchObject({ refused: 0, rateLimited: 0, tooRecent: 0, cut: 0 });
  });
});

async function readWithZenpy(python: string, url: string, mode: 'time' | 'cursor'): Promise<string[]> {
  const { protocol, host } = new URL(url);
  const child = spawn(python, [join(import.meta.dirname, 'zenpy-export.py'), mode, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ZENPY_FORCE_SCHEME: protocol.slice(0, -1),
      ZENPY_FORCE_NETLOC: host,
      ZENDESK_EMAIL: DEFAULT_EMAIL,
      ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    },
  });
  const [lines, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code).toBe(0);
  return lines.trimEnd().split('\n');
}
