import type { KafkaConnection, Logger } from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import type { Books } from './books.ts';
import type { DeadLetterLimit } from './dead-letter-window.ts';
import type { SubscriptionHealth } from './health.ts';
import type { ReadUntil } from './resolve-start.ts';
import type { StartFrom } from './start-offsets.ts';
import type { LogGap, VersionStore } from './version-store/version-store.ts';

/** With where the cluster is and how to be let in: `brokers`, `tls`, `sasl`. */
export interface SubscribeOptions extends KafkaConnection {
  /** The tickets topic; its checkpoints and dead letters have names that follow it. */
  readonly topic: string;
  /** The consumer group; members of one group share the partitions. */
  readonly group: string;
  /**
   * Where to start where the store has no position yet. Default `committed`: the group's offset, else the earliest.
   * What `latest` and `durationMs` point to at the first start is stored as the position.
   */
  readonly from?: StartFrom;
  /**
   * End by itself: at the last stable offset as of now, before these offsets (by partition), or before what was
   * published at that time or later. Not given, a group that `replay --into` made ends where that says.
   */
  readonly until?: ReadUntil;
  /**
   * Go on also where that skips records: from the nearest place of the log where a position lies outside of it, and
   * from the group's offset where that was moved beyond the stored position. Default: `log.cut`, or the lower of both.
   */
  readonly allowGap?: boolean;
  readonly versions: VersionStore;
  /**
   * Applies changes, in log order, one version of a ticket after the other: at most 1,000 of them, and not above 8 MiB
   * of values unless one alone is larger. Runs inside the store's step where the store can take it in; otherwise it is
   * at-least-once, and a change may come again after a crash.
   *
   * Throwing a `retry` error pauses and repeats: with `partition` or `ticketId` in its context that partition alone,
   * else all. After a `dead_letter` error the changes come again in smaller parts, until the one that cannot work is
   * alone and set aside. Any other error is tried five times and then ends the subscription.
   */
  readonly handle: (changes: readonly TicketChange[]) => void | Promise<void>;
  /**
   * Leave out what only the system touched: versions with the stored one's `updated_at`, counted as skipped. Deletions
   * and scrubs come all the same. Needs a store that keeps tickets.
   */
  readonly excludeSystemUpdates?: boolean;
  /** More dead letters than `letters` among `size` records end the subscription. Default: 100 of 1,000. */
  readonly deadLetterWindow?: DeadLetterLimit;
  /** Once, when the position first reached the last stable offset as of the start; awaited before the next batch. */
  readonly onCaughtUp?: () => void | Promise<void>;
  /** After each step, and when the log's end moved: read `books`, `positions` and `lag` then. */
  readonly onProgress?: () => void;
  /** What is waited for now, in words (Kafka, the sink, another member); undefined when it is over. */
  readonly onWaiting?: (reason: string | undefined) => void;
  /** Refuse to start while another member is in the group; for services that must run once. */
  readonly soleMember?: boolean;
  /** A file for the member id: a start after a kill gets its partitions at once. Only with a store this process locks. */
  readonly memberFile?: string;
  /** A pino logger or the like; nothing is logged without one. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

export interface Subscription {
  /** Settles when the subscription has ended, by `until`, `stop` or the error that ended it. */
  readonly done: Promise<void>;
  /** What this run counted. */
  books(): Books;
  /** Next offset of each assigned partition, stored. */
  positions(): ReadonlyMap<number, bigint>;
  /**
   * Offsets between position and last stable offset (or the end of `until`), all assigned partitions; undefined until
   * known.
   */
  lag(): number | undefined;
  isCaughtUp(): boolean;
  /** Not well: below the end, and no progress for a minute. */
  health(): SubscriptionHealth;
  /** What this run stepped over by `allowGap`. */
  gaps(): readonly LogGap[];
  /** Lets the batch at work finish, and leaves the group. Within `handle` and `onCaughtUp` it does not wait for that. */
  stop(): Promise<void>;
}
