import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type SimulatorOptions,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { withoutEmbedded } from '../embedded-sideloads.ts';
import { identifyTicket, type Ticket } from '../ticket.ts';
import { TICKET_SCHEMA_VERSION } from '../ticket-event.ts';
import { readContract } from './contract-files.ts';
import { ticketJsonSchema } from './ticket-json-schema.ts';
import { ticketSchema } from './ticket-schema.ts';

const schema = ticketJsonSchema(TICKET_SCHEMA_VERSION);
const validator = new Ajv2020({ strict: false, validateFormats: false });
const validate = validator.compile(schema);
const { samples } = readContract();

it('says of a ticket what the code that reads it takes for granted', () => {
  expectTypeOf<z.output<typeof ticketSchema>>().toExtend<Ticket>();
});

describe.each(samples)('sample $path', ({ text }) => {
  const value = Buffer.from(text.trimEnd());

  it('would be published, and is a ticket to zod as to any validator', () => {
    const slice = withoutEmbedded(value);
    expect(identifyTicket(slice, JSON.parse(slice.toString())).stamp).toBeGreaterThan(0);
    expect(ticketSchema.safeParse(JSON.parse(text))).toMatchObject({ success: true });
    expect(validate(JSON.parse(text)), validator.errorsText(validate.errors)).toBe(true);
  });
});

it('has samples of what is rare: ids of 19 digits, every field null, a scrub, sideloads of both kinds', () => {
  const texts = samples.map(({ text }) => text);
  const tickets = texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(texts.some((text) => /"id":\s*9123456789012345678/.test(text))).toBe(true);
  expect(tickets.some((ticket) => ticket['subject'] === 'SCRUBBED')).toBe(true);
  expect(tickets.some((ticket) => '_embedded' in ticket)).toBe(true);
  expect(tickets.some((ticket) => 'slas' in ticket && !('_embedded' in ticket))).toBe(true);
  // Only what a ticket has since it was made, and what sideloads add, has no sample of null.
  const nulls = tickets.find((ticket) => ticket['id'] === 8) ?? {};
  const without = [
    'id',
    'generated_timestamp',
    '_embedded',
    'updated_stamp',
    'result_type',
    'attribute_value_ids',
    'metric_events',
  ];
  for (const name of Object.keys(schema.properties ?? {})) {
    if (!without.includes(name)) expect(nulls, name).toHaveProperty(name, null);
  }
});

it.each<[string, unknown]>([
  ['no object', []],
  ['no id', { status: 'open' }],
  ['an id that is no number', { id: 'x' }],
  ['an id of 0', { id: 0 }],
  ['a subject that is a number', { id: 1, subject: 7 }],
  ['tags that are no list', { id: 1, tags: 'a b' }],
  ['a custom field that is no object', { id: 1, custom_fields: ['x'] }],
  ['a fraction of an id', { id: 1, requester_id: 1.5 }],
])('refuses %s, so that fitting it says something', (_name, ticket) => {
  expect(validate(ticket)).toBe(false);
});

it('describes every field of the simulator, with all sideloads, and every one of its tickets fits', async () => {
  const tickets = await simulatedTickets({ tickets: 2_000, aiAgentShare: 0.1 });
  expect(tickets.length).toBe(2_000);
  const known = new Set(Object.keys(schema.properties ?? {}));
  const unknown = new Set(
    tickets.flatMap((ticket) => Object.keys(ticket)).filter((name) => !known.has(name)),
  );
  expect([...unknown]).toEqual([]);
  for (const ticket of tickets) expect(validate(ticket), validator.errorsText(validate.errors)).toBe(true);
});

async function simulatedTickets(options: Partial<SimulatorOptions>): Promise<object[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'schema-'));
  const simulator = await startSimulator({
    dataDir,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    liveChangesPerMinute: 0,
    frozen: 1_790_000_000,
    ...options,
  });
  onTestFinished(async () => {
    await simulator.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const authorization = `Basic ${Buffer.from(`${DEFAULT_EMAIL}/token:${DEFAULT_TOKEN}`).toString('base64')}`;
  const include = 'users,metric_sets,comment_count,incident_counts,dates,slas';
  const found: object[] = [];
  let query = `start_time=0`;
  for (;;) {
    const url = `${simulator.url}/api/v2/incremental/tickets/cursor.json?${query}&include=${include}&support_type_scope=all`;
    const response = await fetch(url, { headers: { authorization } });
    const page = (await response.json()) as {
      tickets: object[];
      after_cursor: string;
      end_of_stream: boolean;
    };
    found.push(...page.tickets);
    if (page.end_of_stream) return found;
    query = `cursor=${encodeURIComponent(page.after_cursor)}`;
  }
}
