import { readFileSync } from 'node:fs';

/** The last line of .ci/run, counted from vitest's JSON report: `N passed, N failed, N skipped`. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const file = process.argv[2];
if (file === undefined) throw new Error('usage: test-summary.ts <vitest report>');
const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
// A file that fails to load, or in a hook, has no failed test to count and is a failure all the same.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
).length;
const failed = report.numFailedTests + brokenFiles;
process.stdout.write(
  `${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests + report.numTodoTests} skipped\n`,
);
process.exitCode = report.success && failed === 0 && report.numPassedTests > 0 ? 0 : 1;
