/**
 * The package as another team has it: built, packed and installed from its tarball into an empty project, without a
 * registry. Once for all tests of this folder; a test that wants another build names it in PACKAGE_TARBALL.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

export interface InstalledPackage {
  /** The tarball that `npm pack` made. */
  readonly tarball: string;
  /** A project whose node_modules has the package, its peers and nothing else. */
  readonly project: string;
  /** Where the package lies in it. */
  readonly folder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    installedPackage: InstalledPackage;
  }
}

const repository = resolve(import.meta.dirname, '../..');

/** Vitest runs this as a copy of the module; the plugin that asks for the folder is another. */
const place: { [key: symbol]: InstalledPackage | undefined } = globalThis as never;
const key = Symbol.for('ticket-stream.installed-package');

export const installedPackage = (): InstalledPackage | undefined => place[key];

export default function setUpPackage(project: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), 'ticket-stream-package-'));
  const given = process.env['PACKAGE_TARBALL'];
  const tarball = given ?? buildPackage(join(root, 'built'));
  const installed = install(tarball, join(root, 'project'));
  place[key] = installed;
  project.provide('installedPackage', installed);
  return () => rmSync(root, { recursive: true, force: true });
}

/** @param more  arguments of packages/subscriber/build/main.ts */
export function buildPackage(out: string, more: readonly string[] = []): string {
  mkdirSync(out, { recursive: true });
  const main = join(repository, 'packages/subscriber/build/main.ts');
  execFileSync(process.execPath, [main, '--out', out, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const tarball = readdirSync(out).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`no tarball in ${out}`);
  return join(out, tarball);
}

function install(tarball: string, project: string): InstalledPackage {
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'another-team', private: true, type: 'module' }),
  );
  // What a registry would give, packed from what `npm ci` put here: the peers, and what they need themselves.
  const peers = ['@opentelemetry/api', '@types/node', 'undici-types'].map((name) => pack(name, project));
  const npm = ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...peers];
  execFileSync('npm', npm, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  return { tarball, project, folder: join(project, 'node_modules/@ticket-stream/subscriber') };
}

function pack(name: string, destination: string): string {
  const folder = join(repository, 'node_modules', name);
  const packing = ['pack', folder, '--ignore-scripts', '--json', '--pack-destination', destination];
  const [packed] = JSON.parse(execFileSync('npm', packing, { encoding: 'utf8', cwd: destination })) as {
    filename: string;
  }[];
  if (packed === undefined) throw new Error(`npm packed nothing of ${name}`);
  return join(destination, packed.filename);
}
