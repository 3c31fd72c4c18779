import { readFileSync } from 'node:fs';

/**
 * Node's options of `npm run producer`, `search` or `alerting`, without the module that reads a developer's .env: what is
 * tried and measured is what runs, wherever it is tried.
 */
export function serviceFlags(name: 'producer' | 'search' | 'alerting'): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  const [, ...args] = (scripts[name] ?? '').split(' ');
  return args.slice(0, args.indexOf('--import'));
}
