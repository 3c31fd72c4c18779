import { expect, it } from 'vitest';
import { changedFields, ticketChange } from './ticket-change.ts';

it('names the fields that differ, added and removed ones too, and leaves the generated second out', () => {
  const previous = { id: 1, status: 'open', tags: ['a', 'b'], gone: 1, generated_timestamp: 1 };
  const ticket = { id: 1, status: 'solved', tags: ['a', 'b'], added: null, generated_timestamp: 2 };
  expect(changedFields(previous, ticket)).toEqual(['status', 'added', 'gone']);
});

it('names every field of a ticket seen for the first time', () => {
  const ticket = { id: 1, status: 'new', generated_timestamp: 2, _embedded: { users: [] } };
  expect(changedFields(undefined, ticket)).toEqual(['id', 'status']);
});

it('does not name the sideloads, whether they differ, come or go: they are no part of the version', () => {
  const ticket = (more: object) => ({ id: 1, status: 'open', ...more });
  const user = (name: string) => ({ _embedded: { users: [{ id: 5, name }] } });
  expect(changedFields(ticket(user('A')), ticket(user('B')))).toEqual([]);
  expect(changedFields(ticket({}), ticket(user('B')))).toEqual([]);
  expect(changedFields(ticket(user('A')), ticket({}))).toEqual([]);
});

it('takes a field for changed that is nested too deep to be compared', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  const [previous, ticket] = [1, 2].map((id) => ({ id, status: 'open', deep: nested(20_000) }));
  expect(changedFields(previous, ticket as { id: number })).toEqual(['id', 'deep']);
});

it('compares only when it is asked what changed, and once', () => {
  let read = 0;
  const counting = {
    id: 1,
    get status() {
      read++;
      return 'open';
    },
  };
  const change = ticketChange({
    ticketId: '1',
    kind: 'changed',
    ticket: { id: 1, status: 'solved' },
    value: Buffer.from(''),
    previous: counting,
    version: { stamp: 1, digest: '', place: { logId: '', partition: 0, offset: 0n } },
    source: '',
    publishedAtMs: 0,
    traceId: undefined,
  });
  expect(read).toBe(0);
  expect(change.changed).toEqual(['status']);
  expect(change.changed).toEqual(['status']);
  expect(read).toBe(1);
});
