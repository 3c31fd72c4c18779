import { expect, it } from 'vitest';
import { changedFields } from './ticket-change.ts';

it('names the fields that differ, added and removed ones too, and leaves the generated second out', () => {
  const previous = { id: 1, status: 'open', tags: ['a', 'b'], gone: 1, generated_timestamp: 1 };
  const ticket = { id: 1, status: 'solved', tags: ['a', 'b'], added: null, generated_timestamp: 2 };
  expect(changedFields(previous, ticket)).toEqual(['status', 'added', 'gone']);
});

it('names every field of a ticket seen for the first time', () => {
  expect(changedFields(undefined, { id: 1, status: 'new', generated_timestamp: 2 })).toEqual([
    'id',
    'status',
  ]);
});
