import { brandIds, formIds, products } from '../helpdesk.ts';
import { mix, purpose, Random } from '../random.ts';
import { languages } from '../texts/index.ts';
import { type Language, type Topic, topicTags } from '../texts/language.ts';

export type TicketType = 'question' | 'incident' | 'problem' | 'task';
export type TicketPriority = 'low' | 'normal' | 'high' | 'urgent';

/** What a ticket is from its first to its last version. */
export interface TicketFacets {
  readonly language: Language;
  readonly topic: Topic;
  readonly topicIndex: number;
  readonly channel: 'email' | 'web' | 'api' | 'chat' | 'mobile_sdk';
  readonly product: string;
  readonly type: TicketType | null;
  readonly priority: TicketPriority | null;
  /** Indices into the help desk's lists. */
  readonly customer: number;
  readonly organization: number | null;
  readonly brand: number;
  readonly form: number;
  readonly orderNumber: number;
  readonly amountCents: number;
  /** Bytes of quoted mail and logs that follow the customer's text; 0 for most. */
  readonly appendixBytes: number;
  /** Feeds the choice of sentences. */
  readonly textSeed: number;
}

const CHANNELS = [
  [46, 'email'],
  [30, 'web'],
  [10, 'api'],
  [9, 'chat'],
  [5, 'mobile_sdk'],
] as const;
const TYPES = [
  [40, null],
  [28, 'question'],
  [20, 'incident'],
  [7, 'problem'],
  [5, 'task'],
] as const;
const PRIORITIES = [
  [35, null],
  [15, 'low'],
  [35, 'normal'],
  [15, 'high'],
] as const;

export function ticketFacets(seed: number, id: number): TicketFacets {
  const random = new Random(mix(seed, purpose.facets, id));
  const language = random.weighted(languages);
  const topicIndex = random.below(topicTags.length);
  const channel = random.weighted(CHANNELS);
  return {
    language,
    topic: language.topics[topicIndex] as Topic,
    topicIndex,
    channel,
    product: random.pick(products),
    type: random.weighted(TYPES),
    priority: random.weighted(PRIORITIES),
    customer: random.below(1 << 20),
    organization: random.chance(0.55) ? random.below(900) : null,
    brand: random.below(brandIds.length),
    form: random.below(formIds.length),
    orderNumber: random.between(10_000_000, 99_999_999),
    amountCents: random.between(499, 129_900),
    // One mail in forty drags its whole thread or a log along: most tickets have 2 to 4 KB, these 20 to 60.
    appendixBytes: channel !== 'chat' && random.chance(0.025) ? random.between(18_000, 56_000) : 0,
    textSeed: random.next(),
  };
}
