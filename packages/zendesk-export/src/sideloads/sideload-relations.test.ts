import { describe, expect, it } from 'vitest';
import { idsIn, sideloadRelations } from './sideload-relations.ts';

const ids = (json: string, ...fields: string[]) => [...idsIn(Buffer.from(json), JSON.parse(json), fields)];

describe('ids in an element', () => {
  it('come in the order of the fields, each once', () => {
    const ticket = '{"follower_ids":[9,7],"requester_id":8,"submitter_id":8,"collaborator_ids":[7,1]}';
    expect(ids(ticket, 'requester_id', 'submitter_id', 'collaborator_ids', 'follower_ids')).toEqual([
      '8',
      '7',
      '1',
      '9',
    ]);
  });

  it('may be strings of digits, and keep every digit beyond 2^53', () => {
    const ticket =
      '{"requester_id":9007199254740993,"follower_ids":["17",9123456789012345678,9007199254740993]}';
    expect(ids(ticket, 'requester_id', 'follower_ids')).toEqual([
      '9007199254740993',
      '17',
      '9123456789012345678',
    ]);
  });

  it.each([
    'null',
    '7',
    '[1]',
    '"1"',
    '{}',
    '{"a":null}',
    '{"a":0}',
    '{"a":-1}',
    '{"a":1.5}',
    '{"a":{"id":1}}',
    '{"a":[[1]]}',
  ])('are none in %s', (json) => {
    expect(ids(json, 'a', 'constructor')).toEqual([]);
  });
});

describe('the relations', () => {
  it('are of arrays that differ', () => {
    const arrays = sideloadRelations.map(({ array }) => array);
    expect(new Set(arrays).size).toBe(arrays.length);
  });
});
