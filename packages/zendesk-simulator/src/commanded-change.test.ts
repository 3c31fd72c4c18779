import { describe, expect, it } from 'vitest';
import { checkFields, fieldFromText } from './commanded-change.ts';

describe('the fields of a command', () => {
  it('are refused by name, all at once', () => {
    const wrong = {
      status: 'opened',
      tags: ['with space'],
      assignee_id: 1.5,
      generated_timestamp: 1,
      subject: null,
    };
    expect(() => checkFields(wrong)).toThrow(
      /status must be one of new.*tags must be.*assignee_id must be.*generated_timestamp cannot be set.*subject must be text/,
    );
  });

  it('are taken as they are where they fit', () => {
    const fields = { status: 'open', priority: null, tags: [], custom_fields: [{ id: 1, value: null }] };
    expect(checkFields(fields)).toBe(fields);
  });

  it.each([null, [], 'text', 1])('must be an object: %j', (fields) => {
    expect(() => checkFields(fields)).toThrow(/not an object/);
  });
});

describe('name=value', () => {
  it.each([
    ['priority=urgent', ['priority', 'urgent']],
    ['subject=123 = "x"', ['subject', '123 = "x"']],
    ['tags=a,b', ['tags', ['a', 'b']]],
    ['tags=', ['tags', []]],
    ['assignee_id=17', ['assignee_id', 17]],
    ['assignee_id=null', ['assignee_id', null]],
    ['satisfaction_rating=bad', ['satisfaction_rating', { score: 'bad' }]],
    ['custom_fields=[{"id":1,"value":2}]', ['custom_fields', [{ id: 1, value: 2 }]]],
  ])('%s', (text, expected) => {
    expect(fieldFromText(text)).toEqual(expected);
  });

  it('is refused without a name', () => {
    expect(() => fieldFromText('=urgent')).toThrow(/not name=value/);
  });
});
