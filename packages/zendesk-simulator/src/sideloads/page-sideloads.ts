/** The arrays that a page has beside its tickets: everything that those tickets name, once each. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TICKET_ORIGIN } from '../helpdesk.ts';
import type { StateView } from '../history/export-pages.ts';
import { ticketJson } from '../ticket-json.ts';
import type { SideloadArray } from './includes.ts';
import { groupJson, organizationJson, ticketFormJson, userJson } from './related-objects.ts';
import { metricSetJson } from './ticket-fields.ts';

/** So many tickets are looked through at a time; others are answered in between. */
const TICKETS_A_TURN = 200;

interface Named {
  readonly users: Set<number>;
  readonly groups: Set<number>;
  readonly organizations: Set<number>;
  readonly ticketForms: Set<number>;
}

/** The part of a ticket that names others. */
interface Ticket {
  readonly requester_id: number | null;
  readonly submitter_id: number | null;
  readonly assignee_id: number | null;
  readonly collaborator_ids: readonly number[];
  readonly follower_ids: readonly number[];
  readonly email_cc_ids: readonly number[];
  readonly group_id: number | null;
  readonly organization_id: number | null;
  readonly ticket_form_id: number | null;
}

export class PageSideloads {
  private readonly seed: number;
  private readonly ids: readonly number[];
  private readonly states: StateView;
  private named: Named | undefined;

  /** @param ids  of the page's tickets, each once */
  constructor(seed: number, ids: readonly number[], states: StateView) {
    this.seed = seed;
    this.ids = ids;
    this.states = states;
  }

  /** The elements of an array as JSON, in the order in which the page's tickets name them. */
  async *elements(array: SideloadArray): AsyncGenerator<string> {
    const { seed } = this;
    if (array === 'sharing_agreements') return;
    if (array === 'metric_sets') {
      for (const id of this.ids) yield metricSetJson(seed, this.states(id), TICKET_ORIGIN);
      return;
    }
    this.named ??= await this.look();
    const { users, groups, organizations, ticketForms } = this.named;
    if (array === 'users') for (const id of users) yield userJson(seed, id);
    else if (array === 'groups') for (const id of groups) yield groupJson(seed, id);
    else if (array === 'organizations') for (const id of organizations) yield organizationJson(seed, id);
    else for (const id of ticketForms) yield ticketFormJson(seed, id);
  }

  /** In what the tickets say, not in how they came to say it: a command may have named anybody. */
  private async look(): Promise<Named> {
    const users = new Set<number | null>();
    const groups = new Set<number | null>();
    const organizations = new Set<number | null>();
    const ticketForms = new Set<number | null>();
    for (const [place, id] of this.ids.entries()) {
      const ticket: Ticket = JSON.parse(ticketJson(this.seed, this.states(id)));
      for (const user of [ticket.requester_id, ticket.submitter_id, ticket.assignee_id]) users.add(user);
      for (const others of [ticket.collaborator_ids, ticket.follower_ids, ticket.email_cc_ids]) {
        for (const user of others) users.add(user);
      }
      groups.add(ticket.group_id);
      organizations.add(ticket.organization_id);
      ticketForms.add(ticket.ticket_form_id);
      if (place % TICKETS_A_TURN === TICKETS_A_TURN - 1) await nextTurn();
    }
    for (const set of [users, groups, organizations, ticketForms]) set.delete(null);
    return { users, groups, organizations, ticketForms } as Named;
  }
}
