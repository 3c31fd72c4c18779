import { defineConfig } from 'vitest/config';
import { installedKafka } from './test/package/installed-kafka.ts';

const rooms = '{packages,services,cli,bench}/**/src/**';
const defectsOfReading = [
  'aborted-transactions',
  'codecs',
  'emptied-batches',
  'offset-out-of-range',
  'offsets',
  'patched-client',
  'refused-requests',
];
const kafkaSetup = './packages/dev-stack/src/testing/global-setup.ts';

// Four kinds of test, run one kind after the other: what fails fast and cheaply fails first.
export default defineConfig({
  test: {
    // A condition is waited for as long as a busy machine may need; vitest's own limit is a second.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${rooms}/*.test.ts`],
          exclude: ['**/node_modules/**', '**/*.kafka.test.ts'],
          // For what hangs. Vitest's 5 s also ended property tests and those that start processes, on a busy machine.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'kafka',
          include: [`${rooms}/*.kafka.test.ts`],
          globalSetup: kafkaSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // A broker and two files at a time keep two cores busy; more only make the tests wait for each other.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/package/**'],
          globalSetup: kafkaSetup,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          // Each of these starts whole systems of its own and measures them.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        plugins: [installedKafka()],
        test: {
          name: 'package',
          // What a module's imports lead to differs from run to run here: each installs the package anew.
          fsModuleCache: false,
          // The tests of kafkajs's defects that concern reading, a second time: against the package as it is installed.
          include: [
            'test/package/**/*.test.ts',
            `packages/kafka/src/kafkajs-defects/{${defectsOfReading.join(',')}}.kafka.test.ts`,
          ],
          globalSetup: [kafkaSetup, './test/package/installed-package.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
