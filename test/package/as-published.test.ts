import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import { expect, it } from 'vitest';
import { buildPackage } from './installed-package.ts';

const repository = resolve(import.meta.dirname, '../..');
const DEFECTS = 'packages/kafka/src/kafkajs-defects';

/**
 * The counterproof: the tests of kafkajs's defects, in a run of their own, against a package that has kafkajs as it was
 * published. Were the source tried instead of what is installed, or the patches of no account, they would be green.
 */
it('the tests of kafkajs’s defects are red against a package that bundles it unpatched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-as-published-'));
  try {
    const report = join(folder, 'report.json');
    const tarball = buildPackage(folder, ['--kafkajs', 'kafkajs-published']);
    const tests = [`${DEFECTS}/aborted-transactions`, `${DEFECTS}/patched-client`];
    await promisify(execFile)(
      process.execPath,
      [
        join(repository, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--project', 'package', ...tests, '-t', 'idle consumer|aborted transactions'],
        ...['--testTimeout', '30000', '--reporter', 'json', '--outputFile', report],
      ],
      {
        cwd: repository,
        env: { ...process.env, PACKAGE_TARBALL: tarball, KAFKA_BROKERS: sharedKafka().brokers },
        timeout: 240_000,
      },
    ).catch(() => undefined); // it ends with 1, as it must; the report says of what
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: { assertionResults: { title: string; status: string; failureMessages?: string[] }[] }[];
    };
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    // Of what kafkajs does, not of a package that is not there.
    expect(results.flatMap(({ failureMessages = [] }) => failureMessages).join('\n')).not.toMatch(
      /Cannot find|Failed to load/,
    );
    const tried = results
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .map(({ title, status }) => `${status}: ${title}`);
    expect(tried.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'failed: lets an idle consumer rest: few timers, no warning of negative ones, little work',
      'failed: of our one producer reach no read_committed reader',
      'failed: of two producers interleaved reach none either, from whatever offset it reads (patched)',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
