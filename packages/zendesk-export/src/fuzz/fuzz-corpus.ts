import fc from 'fast-check';
import { generatedPage } from '../generated-pages.ts';
import type { ExportMode } from '../page-fields.ts';
import { mixed, randomFrom } from '../seeded-random.ts';
import type { FuzzCorpus, WholePage } from './fuzzed-pages.ts';

/** Of a block: whole pages of every shape that JSON allows, and of Zendesk's own. */
const SHAPES = 80;
const LIFELIKE = 4;

/** The same for the same seed and block, with one version of fast-check. */
export function fuzzCorpus(seed: number, block: number): FuzzCorpus {
  const random = randomFrom(mixed(seed, block));
  const shapes = fc.sample(generatedPage, { seed: mixed(seed, block), numRuns: SHAPES });
  return {
    shapes: shapes.map(({ bytes, mode }) => ({ bytes, mode })),
    lifelike: Array.from({ length: LIFELIKE }, () => lifelikePage(random)),
  };
}

/** As Zendesk sends them: 5 to 25 tickets of one to four KB, control fields last, sideloads behind. */
function lifelikePage(random: () => number): WholePage {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const tickets = Array.from({ length: 5 + upTo(21) }, (_, index) => {
    const custom = Array.from({ length: 2 + upTo(20) }, (__, field) => ({
      id: 360_000_000_000 + field,
      value: upTo(3) === 0 ? `value_${field} "quoted" \\ 😀` : null,
    }));
    return {
      url: `https://z3n.example/api/v2/tickets/${index}.json`,
      id: 35_000_000 + index,
      via: { channel: 'email', source: { from: { address: 'a@z3n.example' }, to: {}, rel: null } },
      updated_at: '2024-02-03T04:05:07Z',
      subject: `Drucker „${index}“ says {[PC LOAD LETTER]}`,
      description: `Good morning,\n\n${'what does it mean? '.repeat(upTo(60))}`,
      requester_id: 1 + upTo(4),
      collaborator_ids: [1 + upTo(4), 1 + upTo(4)],
      group_id: 1 + upTo(4),
      custom_fields: custom,
      fields: custom,
      generated_timestamp: 1_700_000_000 + index,
    };
  });
  const users = Array.from({ length: 4 }, (_, index) => ({
    id: index + 1,
    name: 'Zoë',
    notes: 'x'.repeat(upTo(500)),
  }));
  const mode: ExportMode = random() < 0.5 ? 'time' : 'cursor';
  const control =
    mode === 'time'
      ? { count: tickets.length, end_of_stream: false, next_page: null, end_time: 1_700_000_100 }
      : { after_url: 'https://z3n.example/x', after_cursor: 'MTcwMC4wfHwxfA==', end_of_stream: false };
  return { mode, bytes: Buffer.from(JSON.stringify({ tickets, ...control, users, groups: [{ id: 1 }] })) };
}
