/**
 * A ticket's state after each thing that happened to it. States are never changed: a step makes the next one from
 * (seed, ticket, count of versions), so a page that is being sent keeps showing what it began with.
 *
 * Two clocks, as Zendesk has them: what a person does moves `updatedSecond` and, up to five seconds later,
 * `generatedSecond`; what the system does (closing, bulk jobs, the scrub of a deleted ticket) moves
 * `generatedSecond` alone.
 */
import { agentCount } from '../helpdesk.ts';
import { mix, purpose, Random } from '../random.ts';
import { type TicketFacets, type TicketPriority, type TicketType, ticketFacets } from './ticket-facets.ts';
import type { TicketStatus } from './ticket-status.ts';

export type TicketAction =
  | 'assign'
  | 'reply'
  | 'customer_reply'
  | 'pend'
  | 'hold'
  | 'escalate'
  | 'solve'
  | 'rate_good'
  | 'rate_bad'
  | 'reopen'
  | 'close'
  | 'bulk'
  | 'delete'
  | 'scrub';

const SYSTEM_ACTIONS: ReadonlySet<TicketAction> = new Set(['close', 'bulk', 'scrub']);

/** Who answers it; a ticket that an AI agent hands over becomes an agent's, and only then stands in an export by default. */
export const supportTypes = ['agent', 'ai_agent'] as const;
export type SupportType = (typeof supportTypes)[number];

export interface TicketState {
  readonly id: number;
  /** Epoch seconds. */
  readonly createdSecond: number;
  readonly updatedSecond: number;
  readonly generatedSecond: number;
  /** 1 after creation, one more with every step. */
  readonly version: number;
  readonly status: TicketStatus;
  readonly priority: TicketPriority | null;
  readonly type: TicketType | null;
  readonly supportType: SupportType;
  /** Index of the agent; null while nobody has it. */
  readonly agent: number | null;
  readonly escalated: boolean;
  readonly reopened: number;
  readonly replies: number;
  readonly handlingMinutes: number;
  readonly rating: 'unoffered' | 'offered' | 'good' | 'bad';
  /** The tags, once a command gave them; otherwise those of the ticket's topic and way. */
  readonly tags: readonly string[] | undefined;
  /** Bulk jobs that touched it. */
  readonly bulkJobs: number;
  readonly deletedSecond: number | undefined;
  readonly scrubbed: boolean;
  /** Fields that a command gave, by name, as JSON values; later steps win over them where they touch them. */
  readonly given: Readonly<Record<string, unknown>> | undefined;
}

/** Seconds between a ticket's event and its appearance in the export: 0 to 5, mostly 0. */
export function generationLag(random: Random): number {
  return random.weighted([
    [60, 0],
    [24, 1],
    [8, 2],
    [4, 3],
    [2, 4],
    [2, 5],
  ]);
}

/**
 * @param second  when the export shows it (`generatedSecond`)
 * @param lag     how much earlier it was opened
 */
export function openedTicket(
  { seed, aiAgentShare }: { readonly seed: number; readonly aiAgentShare: number },
  id: number,
  second: number,
  lag: number,
): TicketState {
  const facets: TicketFacets = ticketFacets(seed, id);
  const byAiAgent = aiAgentShare > 0 && mix(seed, purpose.support, id) / 0x1_0000_0000 < aiAgentShare;
  return {
    id,
    createdSecond: second - lag,
    updatedSecond: second - lag,
    generatedSecond: second,
    version: 1,
    status: 'new',
    priority: facets.priority,
    type: facets.type,
    supportType: byAiAgent ? 'ai_agent' : 'agent',
    agent: null,
    escalated: false,
    reopened: 0,
    replies: 0,
    handlingMinutes: 0,
    rating: 'unoffered',
    tags: undefined,
    bulkJobs: 0,
    deletedSecond: undefined,
    scrubbed: false,
    given: undefined,
  };
}

/** The state after `action`, which the export shows at `second` (not before the state's own). */
export function afterAction(
  seed: number,
  state: TicketState,
  action: TicketAction,
  second: number,
): TicketState {
  const random = new Random(mix(seed, purpose.action, state.id, state.version));
  const lag = generationLag(random);
  const system = SYSTEM_ACTIONS.has(action);
  const next = {
    ...state,
    generatedSecond: second,
    updatedSecond: system ? state.updatedSecond : Math.max(state.updatedSecond, second - lag),
    version: state.version + 1,
  };
  switch (action) {
    case 'assign':
      next.status = 'open';
      next.agent = random.below(agentCount);
      next.given = without(state.given, 'assignee_id', 'group_id');
      return next;
    case 'reply':
      next.replies += 1;
      next.handlingMinutes += random.between(2, 25);
      return next;
    case 'customer_reply':
      next.status = 'open';
      next.replies += 1;
      return next;
    case 'pend':
      next.status = 'pending';
      next.agent ??= random.below(agentCount);
      next.replies += 1;
      next.handlingMinutes += random.between(2, 25);
      return next;
    case 'hold':
      next.status = 'hold';
      next.agent ??= random.below(agentCount);
      return next;
    case 'escalate':
      next.status = 'open';
      next.priority = 'urgent';
      next.escalated = true;
      next.supportType = 'agent';
      next.agent = random.below(agentCount);
      next.given = without(state.given, 'assignee_id', 'group_id');
      return next;
    case 'solve':
      next.status = 'solved';
      next.agent ??= random.below(agentCount);
      next.replies += 1;
      next.handlingMinutes += random.between(3, 40);
      next.rating = 'offered';
      next.given = without(state.given, 'satisfaction_rating');
      return next;
    case 'rate_good':
    case 'rate_bad':
      next.rating = action === 'rate_good' ? 'good' : 'bad';
      next.given = without(state.given, 'satisfaction_rating');
      return next;
    case 'reopen':
      next.status = 'open';
      next.reopened += 1;
      next.replies += 1;
      return next;
    case 'close':
      next.status = 'closed';
      return next;
    case 'bulk':
      next.bulkJobs += 1;
      return next;
    case 'delete':
      next.status = 'deleted';
      next.deletedSecond = second;
      return next;
    case 'scrub':
      next.scrubbed = true;
      next.tags = undefined;
      next.given = without(
        state.given,
        'subject',
        'raw_subject',
        'description',
        'tags',
        'custom_fields',
        'fields',
      );
      return next;
  }
}

/** What a command gives a ticket: fields by the names that Zendesk's API has for them, already checked. */
export type GivenFields = Readonly<Record<string, unknown>>;

/** The state after a command, at `second`; a system update leaves `updatedSecond` where it is. */
export function afterCommand(
  state: TicketState,
  fields: GivenFields,
  second: number,
  system: boolean,
): TicketState {
  const {
    status,
    priority,
    type,
    tags,
    custom_fields: customFields,
    support_type: supportType,
    ...rest
  } = fields;
  const given: Record<string, unknown> = { ...state.given, ...rest };
  if ('subject' in rest && !('raw_subject' in rest)) given['raw_subject'] = rest['subject'];
  if (Array.isArray(customFields)) {
    const merged = new Map<unknown, unknown>();
    for (const list of [state.given?.['custom_fields'] ?? [], customFields] as {
      id: unknown;
      value: unknown;
    }[][]) {
      for (const field of list) merged.set(field.id, field.value);
    }
    given['custom_fields'] = [...merged].map(([id, value]) => ({ id, value }));
  }
  const next = {
    ...state,
    generatedSecond: second,
    updatedSecond: system ? state.updatedSecond : Math.max(state.updatedSecond, second),
    version: state.version + 1,
    given: Object.keys(given).length === 0 ? undefined : given,
  };
  if (priority !== undefined) next.priority = priority as TicketPriority | null;
  if (type !== undefined) next.type = type as TicketType | null;
  if (tags !== undefined) next.tags = tags as string[];
  if (supportType !== undefined) next.supportType = supportType as SupportType;
  if (status !== undefined) {
    // A solved ticket that is opened again counts as reopened, as it does when the customer answers.
    if ((state.status === 'solved' || state.status === 'closed') && status === 'open') next.reopened += 1;
    next.status = status as TicketStatus;
    if (status === 'deleted') next.deletedSecond = state.deletedSecond ?? second;
    else next.deletedSecond = undefined;
  }
  return next;
}

function without(
  given: Readonly<Record<string, unknown>> | undefined,
  ...names: readonly string[]
): Readonly<Record<string, unknown>> | undefined {
  if (given === undefined || !names.some((name) => name in given)) return given;
  const left = Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));
  return Object.keys(left).length === 0 ? undefined : left;
}
