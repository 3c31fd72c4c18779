import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ThirdPartyPackage } from './bundle.ts';

/**
 * The licence texts of what is bundled, which their licences ask for.
 * @throws Error  a bundled package has no licence text: it may not be passed on
 */
export function thirdPartyLicences(packages: readonly ThirdPartyPackage[]): string {
  const parts = packages.map(({ name, version, folder }) => {
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
    if (file === undefined) throw new Error(`${name} ${version} has no licence text`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return [
    'This package contains, bundled into dist/, code of the packages below, each under its own licence.\nkafkajs is changed: each change is marked "ticket-stream" in its source.\n',
    ...parts,
  ].join(`\n${'-'.repeat(80)}\n\n`);
}
