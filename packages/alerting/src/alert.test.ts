import { changedFields, type Ticket } from '@ticket-stream/ticket';
import { expect, it } from 'vitest';
import { alertBody } from './alert.ts';
import { rulesOf, sampleChange } from './testing/samples.ts';

const [rule] = rulesOf({ any: 'size(changed) > 0' });

function bodyOf(ticket: Partial<Ticket>, previous?: Partial<Ticket>) {
  const sample = sampleChange({ stampAfter: 20 });
  const now = { ...sample.ticket, ...ticket };
  const before = previous === undefined ? undefined : { ...sample.ticket, ...previous };
  if (rule === undefined) throw new Error('no rule');
  const body = alertBody(rule, { ...sample, ticket: now, previous: before }, changedFields(before, now));
  return {
    json: JSON.stringify(body),
    data: body['data'] as {
      readonly ticket: Record<string, unknown>;
      readonly changed: readonly string[];
      readonly previous: Record<string, unknown> | null;
    },
  };
}

const long = 'x'.repeat(1_000_000);
const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;

it('says of long texts how they begin', () => {
  const { ticket } = bodyOf({ subject: long }).data;
  expect(ticket['subject']).toBe(`${'x'.repeat(499)}…`);
  expect(bodyOf({ subject: 'x'.repeat(500) }).data.ticket['subject']).toBe('x'.repeat(500));
});

it('leaves out previous values that are long, and names the field all the same', () => {
  const { changed, previous } = bodyOf(
    { description: 'new', kept: 'new', nested: 'new' },
    { description: 'x'.repeat(999), kept: 'x'.repeat(998), nested: deep },
  ).data;
  for (const name of ['description', 'kept', 'nested']) expect(changed).toContain(name);
  expect(Object.keys(previous ?? {})).toContain('kept');
  expect(previous).not.toHaveProperty('description');
  expect(previous).not.toHaveProperty('nested');
});

it('names 50 fields and no more', () => {
  const fields = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`field_${at}`, at]));
  const { changed, previous } = bodyOf(fields, {}).data;
  expect(changed).toHaveLength(50);
  expect(Object.keys(previous ?? {})).toHaveLength(50);
});

it('stays small whatever stands where a short value is expected', () => {
  const names = ['status', 'priority', 'type', 'assignee_id', 'group_id', 'organization_id', 'requester_id'];
  for (const value of [long, [long], deep]) {
    const odd = Object.fromEntries([...names, 'created_at', 'updated_at'].map((name) => [name, value]));
    expect(bodyOf(odd).json.length).toBeLessThan(10_000);
  }
  const named = bodyOf({ [long]: 'new' }, { [long]: 'old' });
  expect(named.json.length).toBeLessThan(10_000);
  expect(named.data.previous).toMatchObject({ [named.data.changed.at(-1) ?? '']: 'old' });
});
