import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compareToStored, type Freshness, type TicketVersion } from '../ticket-version.ts';
import { formatRfc3339Second } from '../updated-stamp.ts';
import { exampleRecord } from './event-headers.ts';

/** What docs/topic.md tells readers in other languages, held to the code. */
const docs = join(import.meta.dirname, '../../../../docs');
const guide = readFileSync(join(docs, 'topic.md'), 'utf8');

/** As it stands in a header, for whoever has no more than the page. */
interface ReadVersion {
  readonly stamp: string;
  readonly digest: string;
  readonly logId: string;
  readonly partition: number;
  readonly offset: bigint;
}
type DocumentedFreshness = (stored: ReadVersion | undefined, record: ReadVersion) => Freshness;

/** The function of the page, run as it stands there. */
function documentedFreshness(): DocumentedFreshness {
  const blocks = [...guide.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  expect(blocks.length).toBe(1);
  return new Function(`${blocks[0]}\nreturn freshness;`)() as DocumentedFreshness;
}

// Few values each, so that equal stamps, digests, logs and places are as likely as different ones.
const version: fc.Arbitrary<TicketVersion> = fc.record({
  stamp: fc.oneof(
    fc.integer({ min: 1_795_527_840, max: 1_795_527_842 }),
    fc.integer({ min: 1, max: 253_402_300_799 }),
  ),
  digest: fc.constantFrom('a'.repeat(32), 'b'.repeat(32), '0'.repeat(32)),
  place: fc.record({
    logId: fc.constantFrom('1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b', '2b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b'),
    partition: fc.integer({ min: 0, max: 1 }),
    offset: fc.oneof(fc.bigInt({ min: 8n, max: 11n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
  }),
});

const asRead = ({ stamp, digest, place }: TicketVersion): ReadVersion => ({
  stamp: formatRfc3339Second(stamp),
  digest,
  ...place,
});

describe('the comparison on the page', () => {
  const documented = documentedFreshness();

  test.prop([fc.option(version, { nil: undefined }), version], { numRuns: 5_000 })(
    'decides as the subscriber does',
    (stored, incoming) => {
      expect(documented(stored && asRead(stored), asRead(incoming))).toBe(compareToStored(stored, incoming));
    },
  );

  // A log as a producer writes it: versions of one ticket in ascending stamps, with copies and same-second changes.
  const log = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('a', 'b', 'c')), {
      minLength: 1,
      maxLength: 20,
    })
    .map((steps) => {
      let stamp = 1_795_527_840;
      return steps.map(([seconds, letter], offset): ReadVersion => {
        stamp += seconds;
        return {
          stamp: formatRfc3339Second(stamp),
          digest: letter.repeat(32),
          logId: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
          partition: 0,
          offset: BigInt(offset * 2),
        };
      });
    });

  test.prop([log, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 5 })], { numRuns: 2_000 })(
    'ends a replay from anywhere where a single pass ends, and never goes back',
    (records, replays) => {
      const pass = (stored: ReadVersion | undefined, part: readonly ReadVersion[]) => {
        let now = stored;
        for (const record of part) {
          if (documented(now, record) !== 'fresh') continue;
          expect(now === undefined || record.stamp >= now.stamp).toBe(true);
          now = record;
        }
        return now;
      };
      const once = pass(undefined, records);
      let replayed = once;
      for (const [from, length] of replays) {
        const start = from % records.length;
        replayed = pass(replayed, records.slice(start, start + 1 + (length % records.length)));
      }
      expect(pass(replayed, records)).toEqual(once);
    },
  );
});

describe('the tables on the page', () => {
  const rows = guide
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('show the headers in their order, with what a record really holds', () => {
    const { headers } = exampleRecord('changed');
    const shown = rows
      .filter((row) => row[1]?.match(/^`(ce_|content-|trace)/))
      .map((row) => [row[1], row[3]]);
    expect(shown).toEqual(Object.entries(headers).map(([name, value]) => [`\`${name}\``, `\`${value}\``]));
  });

  it('show the topics with the settings they are created with', () => {
    const { channels } = parse(readFileSync(join(docs, 'reference/asyncapi.yaml'), 'utf8')) as {
      channels: Record<
        string,
        { address: string; bindings: { kafka: { partitions: number; topicConfiguration: object } } }
      >;
    };
    for (const { address, bindings } of Object.values(channels)) {
      const settings = { partitions: bindings.kafka.partitions, ...bindings.kafka.topicConfiguration };
      expect(rows.find((row) => row[1] === `\`${address}\``)?.[4]).toBe(
        Object.entries(settings)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      );
    }
  });

  it.each(['ce_type', 'ce_updatedstamp', 'ce_digest', 'ce_logid', 'ce_source'])(
    'name %s among those that must be there',
    (header) => {
      expect(guide).toMatch(new RegExp(`A record without one of [^.]*\`${header}\``));
    },
  );
});
