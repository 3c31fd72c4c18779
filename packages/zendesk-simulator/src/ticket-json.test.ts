import { describe, expect, it } from 'vitest';
import { TicketHistory } from './history/ticket-history.ts';
import { ticketJson } from './ticket-json.ts';

const firstStart = 1_790_000_000;
const history = new TicketHistory({ seed: 4, tickets: 3000, burst: 0, aiAgentShare: 0, firstStart });
const texts = Array.from({ length: 3000 }, (_, place) => ticketJson(4, history.stateOf(place + 1)));

describe('a ticket of the export', () => {
  it('has the keys of a Zendesk ticket in their order', () => {
    expect(Object.keys(JSON.parse(texts[0] ?? ''))).toEqual([
      'url',
      'id',
      'external_id',
      'via',
      'created_at',
      'updated_at',
      'type',
      'subject',
      'raw_subject',
      'description',
      'priority',
      'status',
      'recipient',
      'requester_id',
      'submitter_id',
      'assignee_id',
      'organization_id',
      'group_id',
      'collaborator_ids',
      'follower_ids',
      'email_cc_ids',
      'forum_topic_id',
      'problem_id',
      'has_incidents',
      'is_public',
      'due_at',
      'tags',
      'custom_fields',
      'satisfaction_rating',
      'sharing_agreement_ids',
      'custom_status_id',
      'encoded_id',
      'fields',
      'followup_ids',
      'ticket_form_id',
      'deleted_ticket_form_id',
      'brand_id',
      'allow_channelback',
      'allow_attachments',
      'from_messaging_channel',
      'support_type',
      'generated_timestamp',
    ]);
  });

  it('is JSON whose fields copy custom_fields and whose times are the state’s', () => {
    for (const [place, text] of texts.entries()) {
      const ticket = JSON.parse(text);
      const state = history.stateOf(place + 1);
      expect(ticket.id).toBe(place + 1);
      expect(ticket.fields).toEqual(ticket.custom_fields);
      expect(ticket.generated_timestamp).toBe(state.generatedSecond);
      expect(Date.parse(ticket.updated_at)).toBe(state.updatedSecond * 1000);
      expect(ticket.subject).not.toMatch(/[{}]/);
    }
  });

  it('writes 64-bit numbers digit for digit', () => {
    const serials = texts.flatMap((text) => /"id":360021044491,"value":(\d+)/.exec(text)?.[1] ?? []);
    expect(serials.length).toBeGreaterThan(1000);
    const rounded = serials.filter((digits) => String(Number(digits)) !== digits);
    expect(rounded.length).toBeGreaterThan(serials.length / 2);
    for (const digits of serials) expect(BigInt(digits)).toBeLessThan(2n ** 63n);
  });

  it('has about 4 KB on average: most 2 to 4, a few 20 to 60', () => {
    const sizes = texts.map((text) => Buffer.byteLength(text)).toSorted((a, b) => a - b);
    const average = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    expect(average).toBeGreaterThan(3200);
    expect(average).toBeLessThan(4800);
    const large = sizes.filter((size) => size > 16_000);
    expect(large.length / sizes.length).toBeGreaterThan(0.01);
    expect(large.length / sizes.length).toBeLessThan(0.04);
    expect(sizes.at(-1)).toBeLessThan(70_000);
    expect(sizes[1500]).toBeGreaterThan(2000);
    expect(sizes[1500]).toBeLessThan(4000);
  });

  it.each([
    ['German', /Rückerstattung/],
    ['French', /remboursement/],
    ['Spanish', /reembolso/i],
    ['Japanese', /返金/],
    ['Thai', /เงินคืน/],
    ['Arabic', /استرداد/],
    ['emoji', /\p{Extended_Pictographic}/u],
    ['quotes and backslashes', /C:\\\\Users/],
  ])('is written in %s now and then', (_name, expected) => {
    expect(texts.some((text) => expected.test(text))).toBe(true);
  });

  it('is emptied by the scrub', () => {
    const id = texts.findIndex((text) => text.includes('"SCRUBBED"')) + 1;
    expect(JSON.parse(texts[id - 1] ?? '')).toMatchObject({
      status: 'deleted',
      subject: 'SCRUBBED',
      raw_subject: 'SCRUBBED',
      description: 'X',
      tags: [],
      custom_fields: [],
      fields: [],
    });
  });

  it('has what a command gave it, by field and inside custom_fields', () => {
    const changed = history.commandChange(
      firstStart + 1,
      5,
      {
        subject: 'Say "hello"\n🎉',
        tags: ['x'],
        assignee_id: 77,
        custom_fields: [
          { id: 360_021_044_391, value: 'other' },
          { id: 999, value: JSON.parse('12') },
        ],
      },
      false,
    );
    const ticket = JSON.parse(ticketJson(4, changed));
    expect(ticket).toMatchObject({
      subject: 'Say "hello"\n🎉',
      raw_subject: 'Say "hello"\n🎉',
      tags: ['x'],
      assignee_id: 77,
    });
    expect(ticket.custom_fields[0]).toEqual({ id: 360_021_044_391, value: 'other' });
    expect(ticket.custom_fields.at(-1)).toEqual({ id: 999, value: 12 });
    expect(ticket.fields).toEqual(ticket.custom_fields);
    expect(Object.keys(ticket).at(-1)).toBe('generated_timestamp');
  });

  it('is the same bytes for the same state, and others for another seed', () => {
    const again = new TicketHistory({ seed: 4, tickets: 3000, burst: 0, aiAgentShare: 0, firstStart });
    expect(ticketJson(4, again.stateOf(2))).toBe(texts[1]);
    expect(ticketJson(5, again.stateOf(2))).not.toBe(texts[1]);
  });
});
