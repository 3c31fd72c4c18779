import { describe, expect, it } from 'vitest';
import type { Simulator } from '../simulator.ts';
import { ask, type ExportedTicket } from '../testing/export-reader.ts';
import {
  digest,
  exportUrl,
  firstStart,
  ledgerOf,
  simulatorFixture,
  ticketSlices,
} from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

type Page = { readonly tickets: readonly ExportedTicket[] } & Readonly<
  Record<string, readonly { readonly id: number; readonly [field: string]: unknown }[]>
>;

async function pageWith(simulator: Simulator, query: string): Promise<Page> {
  const { status, body } = await ask(exportUrl(simulator, query));
  expect(status).toBe(200);
  return JSON.parse(body.toString());
}

function idsOf(objects: readonly { readonly id: number }[] | undefined): number[] {
  return (objects ?? []).map(({ id }) => id);
}

describe('sideloads', () => {
  const all = 'include=users,groups,organizations,ticket_forms,sharing_agreements,metric_sets';

  it('stand between the tickets and the control fields, in both modes', async () => {
    const simulator = await fixture.start();
    const arrays = ['users', 'groups', 'organizations', 'ticket_forms', 'sharing_agreements', 'metric_sets'];
    expect(Object.keys(await pageWith(simulator, `start_time=0&${all}`))).toEqual([
      'tickets',
      ...arrays,
      'count',
      'end_of_stream',
      'next_page',
      'end_time',
    ]);
    const url = exportUrl(simulator, `start_time=0&${all}`).replace('tickets.json', 'tickets/cursor.json');
    const byCursor = JSON.parse((await ask(url)).body.toString());
    expect(Object.keys(byCursor).slice(0, 7)).toEqual(['tickets', ...arrays]);
    expect(new URL(byCursor.after_url).searchParams.get('include')).toBe(all.slice('include='.length));
  });

  it('have everything that the page’s tickets name, once, and nothing else', async () => {
    const simulator = await fixture.start();
    const page = await pageWith(simulator, `start_time=0&per_page=40&${all}`);
    const named = (...fields: string[]) =>
      new Set(
        page.tickets
          .flatMap((ticket) => fields.flatMap((field) => ticket[field]))
          .filter((id) => id !== null),
      );
    const users = idsOf(page['users']);
    const kinds = ['requester_id', 'submitter_id', 'assignee_id'];
    const lists = ['collaborator_ids', 'follower_ids', 'email_cc_ids'];
    expect(new Set(users)).toEqual(named(...kinds, ...lists));
    expect(new Set(idsOf(page['groups']))).toEqual(named('group_id'));
    expect(new Set(idsOf(page['organizations']))).toEqual(named('organization_id'));
    expect(new Set(idsOf(page['ticket_forms']))).toEqual(named('ticket_form_id'));
    for (const array of ['users', 'groups', 'organizations', 'ticket_forms']) {
      const ids = idsOf(page[array]);
      expect(ids.length).toBeGreaterThan(1);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(page['metric_sets']?.map((set) => set['ticket_id'])).toEqual(idsOf(page.tickets));
    expect(page['sharing_agreements']).toEqual([]);
  });

  it('are the same on every page and after a restart', async () => {
    const first = await fixture.start();
    const users = new Map<number, unknown>();
    for (const perPage of [120, 30]) {
      for (const user of (await pageWith(first, `start_time=0&per_page=${perPage}&include=users`))['users'] ??
        []) {
        expect(users.get(user.id) ?? user).toEqual(user);
        users.set(user.id, user);
      }
    }
    await fixture.stop(first);
    const again = await pageWith(await fixture.start(), 'start_time=0&include=users');
    for (const user of again['users'] ?? []) expect(user).toEqual(users.get(user.id));
  });

  it('have somebody whom only a command named', async () => {
    const simulator = await fixture.start({ delaySeconds: 0 });
    simulator.change(5, { assignee_id: 4711, group_id: 12, organization_id: null });
    simulator.advance(1);
    const page = await pageWith(simulator, `start_time=${firstStart}&${all}`);
    expect(idsOf(page['users'])).toContain(4711);
    expect(page['groups']).toMatchObject([{ id: 12, name: 'Group 12' }]);
    expect(page['organizations']).toEqual([]);
  });

  it('come before the tickets, when a fault turns the page round', async () => {
    const simulator = await fixture.start({
      faults: [{ on: { request: 1 }, fault: { kind: 'key_order', order: 'reversed' } }],
    });
    const query = 'start_time=0&include=users,groups';
    const turned = await pageWith(simulator, query);
    expect(Object.keys(turned).slice(-3)).toEqual(['groups', 'users', 'tickets']);
    expect(turned).toEqual(await pageWith(simulator, query));
  });

  it('ask for nothing by a name that is not known', async () => {
    const simulator = await fixture.start();
    const page = await pageWith(simulator, 'start_time=0&include=robots,%20groups%20,');
    expect(Object.keys(page)).toEqual([
      'tickets',
      'groups',
      'count',
      'end_of_stream',
      'next_page',
      'end_time',
    ]);
  });

  it('are refused where the export has none of them: last_audits', async () => {
    const answer = await ask(exportUrl(await fixture.start(), 'start_time=0&include=users,last_audits'));
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.body.toString()).description).toMatch(/last_audits/);
  });
});

describe('sideloads that are fields of the ticket', () => {
  const fields = 'include=slas,comment_count,dates,incident_counts';

  it('stand before its generated_timestamp, and nowhere on the page', async () => {
    // Enough of them that some are still open.
    const simulator = await fixture.start({ tickets: 3_000 });
    const page = await pageWith(simulator, `start_time=${firstStart - 20 * 86_400}&${fields}`);
    expect(Object.keys(page)).toEqual(['tickets', 'count', 'end_of_stream', 'next_page', 'end_time']);
    for (const ticket of page.tickets) {
      expect(Object.keys(ticket).slice(-5)).toEqual([
        'comment_count',
        'incident_count',
        'dates',
        'slas',
        'generated_timestamp',
      ]);
      expect(ticket['comment_count']).toBeGreaterThan(0);
      expect(ticket['slas']).toEqual({ policy_metrics: expect.any(Array) });
    }
    const metrics = page.tickets.flatMap(
      (ticket) => (ticket['slas'] as { policy_metrics: object[] }).policy_metrics,
    );
    expect(metrics[0]).toEqual({
      breach_at: expect.stringMatching(/Z$/),
      stage: expect.any(String),
      metric: 'first_reply_time',
      hours: expect.any(Number),
    });
  });

  it('count in the digest of the ledger, which is of the ticket as it was sent', async () => {
    const simulator = await fixture.start();
    const { body } = await ask(exportUrl(simulator, `start_time=0&${fields}`));
    const sent = ticketSlices(body).map(digest);
    expect(new Set((await ledgerOf(fixture.dataDir)).map((version) => version.digest))).toEqual(
      new Set(sent),
    );
    const bare = new Set([...simulator.latest()].map((version) => version.digest));
    expect(sent.filter((one) => bare.has(one))).toEqual([]);
    // And stays the same while the ticket does.
    const again = ticketSlices((await ask(exportUrl(simulator, `start_time=1&${fields}`))).body);
    expect(new Set(again.map(digest))).toEqual(new Set(sent));
  });
});
