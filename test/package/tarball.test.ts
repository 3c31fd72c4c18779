import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { readmeBlocks } from './readme-blocks.ts';

const { folder, project, tarball } = inject('installedPackage');
const repository = resolve(import.meta.dirname, '../..');

describe('the tarball of @ticket-stream/subscriber', () => {
  it('holds the bundle, its types, a README and every licence, and nothing of our sources or tests', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(folder, path)).isFile())
      .sort();
    expect(files).toEqual([
      'LICENSE',
      'README.md',
      'THIRD-PARTY-LICENSES.txt',
      'dist/client.js',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/kafka.js',
      'package.json',
    ]);
    const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(licences).toContain(readFileSync(join(repository, 'node_modules/kafkajs/LICENSE'), 'utf8').trim());
    expect(licences.match(/^\S+ \d+\.\d+\.\d+$/gm)).toEqual(['kafkajs 2.2.4']);
    // 141 kB in November 2026; a library that slipped into the bundle would show here.
    expect(statSync(tarball).size).toBeLessThan(250_000);
  });

  it('brings along no package but its peers', () => {
    const installed = readdirSync(join(project, 'node_modules'), { encoding: 'utf8' }).filter(
      (name) => !name.startsWith('.'),
    );
    expect(installed.sort()).toEqual(['@opentelemetry', '@ticket-stream', '@types', 'undici-types']);
    expect(readdirSync(join(project, 'node_modules/@ticket-stream'))).toEqual(['subscriber']);
  });

  it('names no file of the machine it was built on', () => {
    for (const name of ['client.js', 'index.js', 'kafka.js', 'index.d.ts']) {
      expect(readFileSync(join(folder, 'dist', name), 'utf8')).not.toContain(repository);
    }
  });

  it.for([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'type-checks strictly for a project with module %s, resolution %s, its own types included',
    ([module, moduleResolution]) => {
      writeFileSync(join(project, 'consumer.ts'), CONSUMER);
      expect(typeErrors(['consumer.ts'], { module, moduleResolution })).toBe('');
      writeFileSync(join(project, 'wrong.ts'), WRONG);
      const errors = typeErrors(['wrong.ts'], { module, moduleResolution });
      expect(errors.match(/^wrong\.ts\(\d+/gm)).toEqual(['wrong.ts(3', 'wrong.ts(4', 'wrong.ts(5']);
    },
  );

  it('has a README whose TypeScript is type-checked', () => {
    const blocks = readmeBlocks(join(folder, 'README.md'), 'ts');
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    const files = blocks.map((code, n) => {
      const name = `readme-${n}.ts`;
      writeFileSync(join(project, name), `${code}\nexport {};\n`);
      return name;
    });
    expect(typeErrors(files, { module: 'nodenext', moduleResolution: 'nodenext' })).toBe('');
  });
});

/** What tsc says, strictly and with a look into every .d.ts; empty where it is content. */
function typeErrors(files: readonly string[], options: Record<string, string | undefined>): string {
  const compilerOptions = {
    ...options,
    target: 'es2022',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  try {
    return execFileSync(join(repository, 'node_modules/.bin/tsc'), ['-p', project, '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: project,
    });
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}

const CONSUMER = `
import {
  type Books, booksBalance, CannotApply, changedFields, changes, isTicketStreamError, memoryVersionStore, RetryLater,
  sqliteVersionStore, subscribe, type SubscribeOptions, type Subscription, type TicketChange, TicketStreamError,
  type VersionStore,
} from '@ticket-stream/subscriber';

const versions: VersionStore = process.argv[2] === undefined ? memoryVersionStore() : sqliteVersionStore({ path: process.argv[2] });
const options: SubscribeOptions = {
  brokers: ['127.0.0.1:9092'],
  tls: { ca: '-----BEGIN CERTIFICATE-----' },
  sasl: { mechanism: 'scram-sha-512', username: 'team', password: 'secret' },
  topic: 'tickets',
  group: 'team.totals',
  from: { timeMs: Date.now() - 86_400_000 },
  until: 'end',
  versions,
  async handle(batch: readonly TicketChange[]) {
    for (const change of batch) {
      const names: string[] = changedFields(change.previous, change.ticket);
      if (names.length > 500) throw new CannotApply('too many', { context: { ticketId: change.ticketId } });
      if (change.value.byteLength > 1e6) throw new RetryLater('busy', { cause: new Error('503') });
    }
  },
};
const subscription: Subscription = await subscribe(options);
try {
  await subscription.done;
} catch (error) {
  if (isTicketStreamError(error, 'log.cut')) process.exitCode = error.exitCode;
  const code: string | undefined = error instanceof TicketStreamError ? error.code : undefined;
  console.error(code);
}
const books: Books = subscription.books();
if (!booksBalance(books)) throw new Error('never');
for await (const batch of changes({ brokers: ['b:9092'], topic: 'tickets', group: 'g', versions })) {
  const first: TicketChange | undefined = batch[0];
  console.log(first?.version.place.offset === 1n);
}
`;

/** Lines 3 to 5 each have an error; no other has one. */
const WRONG = `import { changes, memoryVersionStore, subscribe, type TicketChange } from '@ticket-stream/subscriber';
const place = { brokers: ['b:9092'], topic: 'tickets', group: 'g', versions: memoryVersionStore() };
await subscribe(place);
changes({ ...place, from: 'yesterday' });
((change: TicketChange): number => change.version.place.offset);
`;
