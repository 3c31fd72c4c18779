import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** This package is ESM alone: what old resolvers and `require` from CommonJS make of its types is no problem of it. */
const RESOLUTIONS = new Set(['node16-esm', 'bundler']);

/** What publint (all its messages, suggestions too) and attw have to say about a tarball; empty where all is well. */
export async function complaintsAbout(tarball: string, bytes: Buffer): Promise<string[]> {
  const { messages, pkg } = await publint({
    pack: {
      tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
    },
    strict: true,
  });
  const linted = messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
  const result = await checkPackage(createPackageFromTarballData(bytes));
  if (result.types === false) return [...linted, `attw: ${tarball} has no types`];
  const wrong = result.problems
    .filter((problem) => !('resolutionKind' in problem) || RESOLUTIONS.has(problem.resolutionKind))
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
  return [...linted, ...wrong];
}
