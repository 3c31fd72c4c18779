/**
 * What customers write. Slots in braces are filled for each ticket: {p} product, {o} order number, {n} the
 * customer's name, {a} an amount of money, {d} a day, {c} a city.
 */
export interface Topic {
  readonly tag: string;
  readonly subjects: readonly string[];
  readonly openings: readonly string[];
  readonly details: readonly string[];
}

export interface Language {
  /** BCP 47; also the ticket's language tag. */
  readonly code: string;
  readonly names: readonly string[];
  readonly cities: readonly string[];
  readonly greetings: readonly string[];
  readonly closings: readonly string[];
  /** Sentences that fit any topic. */
  readonly asides: readonly string[];
  /** In the order of `topicTags`. */
  readonly topics: readonly Topic[];
}

export const topicTags = [
  'refund',
  'delivery',
  'login',
  'invoice',
  'crash',
  'damaged',
  'cancel',
  'api',
] as const;

type TopicText = readonly [
  subjects: readonly string[],
  openings: readonly string[],
  details: readonly string[],
];

/** Ties the texts of a language to the topics, in their order. */
export function topics(...texts: readonly TopicText[]): Topic[] {
  return texts.map(([subjects, openings, details], index) => ({
    tag: topicTags[index] ?? 'other',
    subjects,
    openings,
    details,
  }));
}
