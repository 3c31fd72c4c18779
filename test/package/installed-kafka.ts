import { join, sep } from 'node:path';
import type { Plugin } from 'vitest/config';
import { installedPackage } from './installed-package.ts';

const KAFKA = join(import.meta.dirname, '../../packages/kafka/src');
/** What the defect tests try, and what they try it with. Publishing is nothing of a subscriber: it stays the source's. */
const IMPORTERS = [join(KAFKA, 'kafkajs-defects') + sep, join(KAFKA, 'testing') + sep];
const TRIED = ['kafka-connection.ts', 'log-reader.ts', 'record-stream.ts'].map((name) => join(KAFKA, name));

/** Lets the tests of kafkajs's defects run against the client that was installed: same tests, other code. */
export function installedKafka(): Plugin {
  return {
    name: 'ticket-stream:installed-kafka',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (importer === undefined || !IMPORTERS.some((folder) => importer.startsWith(folder))) return null;
      const found = await this.resolve(source, importer, { skipSelf: true });
      if (found === null || !TRIED.includes(found.id)) return null;
      const installed = installedPackage();
      if (installed === undefined) throw new Error('the package is not installed');
      return join(installed.folder, 'dist/kafka.js');
    },
  };
}
