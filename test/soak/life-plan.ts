/** The lives of a producer that a seed makes: what each is asked for, and how it ends. */

export interface KillPoint {
  readonly name: string;
  readonly channel: string;
  /** In the middle of what begins there: the kill comes a little later, and before this channel. */
  readonly before?: string;
}

export const killPoints: readonly KillPoint[] = [
  { name: 'before claim', channel: 'ticket-stream:claim:before' },
  { name: 'after claim', channel: 'ticket-stream:claim:after' },
  { name: 'after fetch', channel: 'ticket-stream:page:fetched' },
  { name: 'mid parse', channel: 'ticket-stream:page:parsing' },
  { name: 'mid send', channel: 'ticket-stream:send:start', before: 'ticket-stream:send:end' },
  { name: 'before commit', channel: 'ticket-stream:commit:before' },
  { name: 'mid commit', channel: 'ticket-stream:commit:before', before: 'ticket-stream:commit:after' },
  { name: 'after commit', channel: 'ticket-stream:commit:after' },
];

type Death =
  /** From outside, so much later than records were first seen on their way. */
  | { readonly kind: 'random'; readonly afterMs: number }
  | {
      readonly kind: 'point';
      readonly point: KillPoint;
      readonly passes: number;
      readonly delayMs: number;
    };

/** `kill`: SIGKILL, a pause, and started again; `restart`: stopped cleanly. On the same data either way. */
export type BrokerEvent = { readonly kind: 'kill'; readonly downMs: number } | { readonly kind: 'restart' };

type StuckSecond = 'whole' | 'repeat';

export interface LifePlan {
  readonly mode: 'time' | 'cursor';
  readonly perPage: number;
  readonly death: Death;
  /** Befalls the broker while this life is at work, which has to go on after it. */
  readonly broker?: BrokerEvent;
  /** How Zendesk treats a second larger than a page; where it was another before, it is restarted before this life. */
  readonly stuckSecond: StuckSecond;
}

export interface CampaignSize {
  readonly randomKills: number;
  readonly brokerEvents: number;
  /** A random kill comes at most so late. */
  readonly workMsMax: number;
  readonly perPages: readonly number[];
}

/** @param random  0 ≤ x < 1 */
export function planLives(size: CampaignSize, random: () => number): LifePlan[] {
  const below = (end: number): number => Math.floor(random() * end);
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const deaths: Death[] = [
    ...Array.from({ length: size.randomKills }, () => ({
      kind: 'random' as const,
      afterMs: below(size.workMsMax),
    })),
    ...killPoints.map((point) => ({
      kind: 'point' as const,
      point,
      passes: point.channel.startsWith('ticket-stream:claim') ? 0 : below(3),
      delayMs: point.before === undefined ? 0 : 1 + below(6),
    })),
  ];
  shuffle(deaths, below);
  // Only a life that is killed from outside is sure to live through what befalls the broker.
  const survivors = deaths.flatMap(({ kind }, life) => (kind === 'random' ? [life] : []));
  shuffle(survivors, below);
  const events = new Map<number, BrokerEvent>(
    survivors
      .slice(0, size.brokerEvents)
      .map((life, n) => [life, n % 2 === 0 ? { kind: 'kill', downMs: below(2_000) } : { kind: 'restart' }]),
  );
  const quarter = deaths.length / 4;
  return deaths.map((death, life) => {
    const broker = events.get(life);
    return {
      mode: pick(['time', 'cursor'] as const),
      perPage: pick(size.perPages),
      death,
      ...(broker === undefined ? {} : { broker }),
      stuckSecond: Math.floor(life / quarter) % 2 === 0 ? 'whole' : 'repeat',
    };
  });
}

function shuffle<T>(list: T[], below: (end: number) => number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
}
