import { readFileSync } from 'node:fs';
import type { AccessRight } from '@ticket-stream/dev-stack/testing';

const page = new URL('../../docs/security.md', import.meta.url);

/**
 * The rights of the `kafka-acls.sh` lines under a heading of docs/security.md, one by one: what people copy is what is
 * tried.
 * @param topic  stands for `tickets` wherever a name begins with it
 */
export function documentedRights(heading: string, topic: string): AccessRight[] {
  const section = readFileSync(page, 'utf8')
    .split(/^#{2,4} /m)
    .find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/security.md has no heading "${heading}"`);
  const lines = section.split('\n').filter((line) => line.startsWith('kafka-acls.sh '));
  if (lines.length === 0) throw new Error(`docs/security.md has no rights under "${heading}"`);
  return lines.flatMap((line) => rightsOf(line, topic));
}

/** Of one line of kafka-acls.sh that adds rights. */
export function rightsOf(line: string, topic: string): AccessRight[] {
  const given =
    /^kafka-acls\.sh --bootstrap-server … --add --allow-principal (?:'User:[^']+'|User:\S+) (.*)$/.exec(line);
  if (given?.[1] === undefined) throw new Error(`not a line that adds rights: ${line}`);
  const operations: string[] = [];
  const resources: Pick<AccessRight, 'resource' | 'name'>[] = [];
  let prefixed = false;
  for (const [, flag = '', value = ''] of given[1].matchAll(/--([a-z-]+)(?: ([^\s-]\S*))?/g)) {
    const name = value.replace(/(^|\.)tickets(?=$|\.)/, `$1${topic}`);
    if (flag === 'operation') operations.push(value);
    else if (flag === 'topic' || flag === 'group' || flag === 'transactional-id')
      resources.push({ resource: flag, name });
    else if (flag === 'cluster') resources.push({ resource: flag, name: 'kafka-cluster' });
    else if (flag === 'resource-pattern-type' && value === 'prefixed') prefixed = true;
    else throw new Error(`unknown in ${line}: --${flag} ${value}`);
  }
  return operations.flatMap((operation) =>
    resources.map((resource) => ({ operation, ...resource, prefixed })),
  );
}
