import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { identifyTicket } from './ticket.ts';

const identify = (json: string) => identifyTicket(Buffer.from(json), JSON.parse(json));
const time = '"updated_at":"2023-11-14T22:13:20Z"';

describe('identifying a ticket', () => {
  it('reads id, stamp and generated second', () => {
    expect(identify(`{"id":42,${time},"generated_timestamp":1700000009}`)).toEqual({
      id: '42',
      stamp: 1_700_000_009,
      generatedSecond: 1_700_000_009,
      deleted: false,
    });
  });

  it('knows a deleted ticket by its status alone', () => {
    expect(identify(`{"id":1,${time},"status":"deleted"}`).deleted).toBe(true);
    expect(identify(`{"id":1,${time},"status":"open","subject":"deleted"}`).deleted).toBe(false);
  });

  it('keeps every digit of an id beyond 2^53, also beside deeper ids', () => {
    const json = `{"via":{"id":3},"id":9123456789012345678,"requester":{"id":9007199254740993},${time}}`;
    expect(identify(json).id).toBe('9123456789012345678');
  });

  test.prop([fc.bigInt({ min: 1n, max: 9_999_999_999_999_999_999n })])(
    'keeps every digit of any id',
    (id) => {
      expect(identify(`{"id":${id},${time}}`).id).toBe(String(id));
    },
  );

  it.each([
    '[]',
    'null',
    '7',
    '"x"',
    '{}',
    '{"id":null}',
    '{"id":-1}',
    '{"id":1.5}',
    '{"id":"4 2"}',
    '{"id":0}',
  ])('sets %s aside: no id', (json) => {
    expect(() => identify(json)).toThrow(expect.objectContaining({ code: 'ticket.no_id' }));
  });

  it.each([
    `{"id":1,${time},"_embedded":{"users":[]}}`,
    `{"id":1,"_embedded":null,${time}}`,
    `{"_embedded" : 7, "id":1}`,
  ])('sets %s aside: its own _embedded could not be told from ours', (json) => {
    expect(() => identify(json)).toThrow(
      expect.objectContaining({ code: 'ticket.own_embedded', context: { ticketId: '1' } }),
    );
  });

  it('takes a ticket whose _embedded is deeper down', () => {
    expect(identify(`{"id":1,${time},"via":{"_embedded":{}},"_embedded_x":1}`).id).toBe('1');
  });

  it('sets a ticket without any time aside', () => {
    expect(() => identify('{"id":1}')).toThrow(expect.objectContaining({ code: 'ticket.no_version' }));
  });
});
