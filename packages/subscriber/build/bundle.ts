import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type InlineConfig } from 'tsdown';

export interface ThirdPartyPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

interface BundleOptions {
  readonly workspace: string;
  readonly outDir: string;
  /** The package to bundle as kafkajs. Default: kafkajs, which then must be patched. */
  readonly kafkajs: string | undefined;
}

/**
 * ESM for Node, all in it but `@opentelemetry/api` and what Node brings along: patches and overrides act in a root
 * project alone, so whoever installed kafkajs beside us would have it unpatched.
 * @returns the packages of others that are in the bundle, by the modules that are really in it
 */
export async function bundle({ workspace, outDir, kafkajs }: BundleOptions): Promise<{
  readonly thirdParty: readonly ThirdPartyPackage[];
}> {
  if (kafkajs === undefined) requirePatched(join(workspace, '..', '..'));
  const shared: InlineConfig = {
    config: false,
    cwd: workspace,
    // Beside all packages whose types go in: TypeScript writes the types of what lies above a tsconfig next to the sources.
    tsconfig: '../tsconfig.types.json',
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    fixedExtension: false,
    hash: false,
    report: false,
    logLevel: 'warn',
    checks: { pluginTimings: false },
    deps: {
      alwaysBundle: [/^@ticket-stream\//, /^kafkajs/],
      neverBundle: ['@opentelemetry/api'],
      onlyBundle: false,
    },
    ...(kafkajs === undefined ? {} : { alias: { kafkajs } }),
  };
  const { bundles } = await build({
    ...shared,
    entry: { index: 'src/index.ts', kafka: 'build/kafka.ts' },
    outputOptions: { codeSplitting: { groups: [{ name: 'client', minShareCount: 2 }] } },
    dts: false,
  });
  await build({ ...shared, clean: false, entry: { index: 'src/index.ts' }, dts: { emitDtsOnly: true } });
  const modules = bundles.flatMap(({ chunks }) =>
    chunks.flatMap((chunk) => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : [])),
  );
  return { thirdParty: packagesOf(modules) };
}

const PACKAGE_FOLDER = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

function packagesOf(modules: readonly string[]): ThirdPartyPackage[] {
  const folders = new Set(modules.flatMap((id) => PACKAGE_FOLDER.exec(id)?.[1] ?? []));
  return [...folders]
    .sort((a, b) => a.localeCompare(b))
    .map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
      };
      return { name, version, folder };
    });
}

/** Each file of the patch carries its mark. An `npm ci --ignore-scripts` leaves kafkajs as published. */
function requirePatched(repository: string): void {
  const patch = readFileSync(join(repository, 'patches', 'kafkajs+2.2.4.patch'), 'utf8');
  const files = [...patch.matchAll(/^\+\+\+ b\/(\S+)$/gm)].map(([, path]) => path ?? '');
  const unpatched = files.filter(
    (path) => !readFileSync(join(repository, path), 'utf8').includes('ticket-stream'),
  );
  if (files.length === 0 || unpatched.length > 0) {
    throw new Error(`kafkajs is not patched (npx patch-package): ${unpatched.join(', ')}`);
  }
}
