import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ticketDigest } from './digest.ts';
import { embedSideloads, withoutEmbedded } from './embedded-sideloads.ts';

/** Thousands of tickets take a second, and more where other suites share the machine. */
const TIMEOUT_MS = 60_000;

const embed = (slice: string, embedded: string) =>
  embedSideloads(Buffer.from(slice), Buffer.from(embedded)).toString();
const cut = (value: string) => withoutEmbedded(Buffer.from(value)).toString();

const USERS = '{"users":[{"id":7,"name":"A }, B"}]}';

describe('embedding', () => {
  it("stands before the ticket's last bracket, and nothing else moves", () => {
    expect(embed('{ "id" : 1,\n "via":{"x":{}} \t}', USERS)).toBe(
      `{ "id" : 1,\n "via":{"x":{}} \t,"_embedded":${USERS}}`,
    );
  });

  it('makes JSON of a ticket without fields too', () => {
    expect(embed('{ }', '{}')).toBe('{ "_embedded":{}}');
    expect(cut('{ "_embedded":{}}')).toBe('{ }');
  });

  it('is read by any parser', () => {
    expect(JSON.parse(embed('{"id":1,"subject":"}"}', USERS))).toEqual({
      id: 1,
      subject: '}',
      _embedded: JSON.parse(USERS),
    });
  });
});

describe('cutting the embedding out', () => {
  it.each([
    ['nothing embedded', '{"id":1}'],
    ['an _embedded deeper down', '{"id":1,"via":{"_embedded":{"users":[]}}}'],
    ['the text of one in a string', '{"id":1,"subject":"x,\\"_embedded\\":{}}","y":"\\\\"}'],
    ['a string that is called so', '{"id":1,"subject":"_embedded"}'],
    ['a longer key', '{"id":1,"x_embedded":{}}'],
  ])('leaves a ticket with %s as it is', (_name, ticket) => {
    expect(cut(ticket)).toBe(ticket);
  });

  it('gives the bytes whose digest is the version', () => {
    const slice = Buffer.from('{"id":1,"subject":"x"}');
    const value = embedSideloads(slice, Buffer.from(USERS));
    expect(ticketDigest(withoutEmbedded(value))).toBe(ticketDigest(slice));
  });

  const word = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('_embedded', '"_embedded":', ',"_embedded":{}}', '\\', '"', '}', '{', ']'),
  );
  const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
    object: fc
      .array(
        fc.tuple(
          word.map((text) => JSON.stringify(text)),
          tie('value'),
          fc.constantFrom('', ' ', '\r\n\t'),
        ),
        {
          maxLength: 5,
        },
      )
      .map(
        (members) =>
          `{${members.map(([key, item, space]) => `${space}${key}${space}:${item}${space}`).join(',')}}`,
      ),
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      word.map((text) => JSON.stringify(text)),
      fc.constantFrom('null', 'true', '-1.5e300', '12345678901234567890', '[]', '{}', ' { \n} '),
      fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(' ,')}]`),
      tie('object'),
    ),
  }));
  const object = fc
    .array(
      fc.tuple(
        word.map((text) => JSON.stringify(text)),
        value,
        fc.constantFrom('', ' ', '\r\n\t'),
      ),
      { maxLength: 6 },
    )
    .chain((members) =>
      fc
        .constantFrom('', ' ', '\n')
        .map(
          (space) =>
            `{${space}${members.map(([key, item, gap]) => `${key}${gap}:${item}${gap}`).join(',')}}${space}`,
        ),
    );

  test.prop([object, object], { numRuns: 5_000 })(
    'undoes embedding, for any ticket and any embedding',
    (slice, embedded) => {
      const whole = embed(slice, embedded);
      expect(() => JSON.parse(whole)).not.toThrow();
      expect(cut(whole)).toBe(slice);
    },
    TIMEOUT_MS,
  );

  test.prop([object, object], { numRuns: 2_000 })(
    'leaves alone what has nothing embedded',
    (inner, other) => {
      const slice = `{"id":1,"_embedded":${inner},"x":{"_embedded":${other}},"y":[${other}]}`;
      expect(cut(slice)).toBe(slice);
    },
    TIMEOUT_MS,
  );
});
