/**
 * Makes of this workspace what other teams install: `npm run build -w packages/subscriber [-- --out FOLDER]`.
 *
 *   bundle (our kafka, ticket, errors and the patched kafkajs, with types) → package.json of its own, README, licences
 *   → npm pack → publint and attw over the tarball
 *
 * Inside the monorepo the source is run as it is and `exports` point to it. npm takes no other `exports` from
 * `publishConfig`, so the package is a folder of its own, `dist/package`, with a generated package.json.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.ts';
import { complaintsAbout } from './checks.ts';
import { thirdPartyLicences } from './licences.ts';
import { packageManifest } from './manifest.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '..', 'dist') },
    /** Bundles another kafkajs than the patched one: for the test that shows that this makes a difference. */
    kafkajs: { type: 'string' },
  },
});
const workspace = join(import.meta.dirname, '..');
const repository = join(workspace, '..', '..');
const out = resolve(values.out);
const folder = join(out, 'package');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const bundled = await bundle({ workspace, outDir: join(folder, 'dist'), kafkajs: values.kafkajs });
const manifest = packageManifest(join(workspace, 'package.json'));
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(workspace, 'README.md'), join(folder, 'README.md'));
copyFileSync(join(repository, 'LICENSE'), join(folder, 'LICENSE'));
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicences(bundled.thirdParty));

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', folder, '--pack-destination', out, '--json'], { encoding: 'utf8', cwd: out }),
) as { filename: string; size: number; unpackedSize: number; files: unknown[] }[];
if (packed === undefined) throw new Error('npm pack made nothing');
const tarball = join(out, packed.filename);
const complaints = await complaintsAbout(tarball, readFileSync(tarball));
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exit(1);
const kilobytes = (bytes: number) => `${Math.round(bytes / 1_000)} kB`;
process.stdout.write(
  `${tarball}\n${packed.files.length} files, ${kilobytes(statSync(tarball).size)} packed, ${kilobytes(packed.unpackedSize)} unpacked; ` +
    `bundles ${bundled.thirdParty.map(({ name, version }) => `${name} ${version}`).join(', ')}; publint and attw have no complaint\n`,
);
