/**
 * The work of one member, one piece after the other: the batches that kafkajs hands over, and what the caller does
 * between them (a retried letter).
 *
 * Before it joins again, kafkajs waits for a batch at work, so that nobody else has the partition meanwhile. It does
 * not know of work between batches: for that, the join is held back where kafkajs asks its assigners what to offer.
 * The held join is tried again as any refused one, for some 2 s; then kafkajs gives up and leaves the group, so that
 * work which lasts longer may overlap with the partition's next owner. It is one record at a time, and asks before it
 * begins whether the partition is still this member's.
 */
import kafkajs, { type PartitionAssigner } from 'kafkajs';

export interface MemberTurns {
  /** Work waits for the work before it. */
  take<T>(work: () => Promise<T>, options?: { readonly holdsJoin: boolean }): Promise<T>;
  isAtWork(): boolean;
  /** When all work asked for so far is over. */
  idle(): Promise<void>;
  readonly assigner: PartitionAssigner;
}

export function memberTurns(): MemberTurns {
  let last: Promise<void> = Promise.resolve();
  let atWork = 0;
  let holds = 0;
  return {
    async take(work, { holdsJoin } = { holdsJoin: false }) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      atWork++;
      if (holdsJoin) holds++;
      try {
        return await work();
      } finally {
        atWork--;
        if (holdsJoin) holds--;
        resolve();
      }
    },
    isAtWork: () => atWork > 0,
    idle: () => last,
    assigner(config) {
      const roundRobin = kafkajs.PartitionAssigners.roundRobin(config);
      return {
        ...roundRobin,
        protocol(subscription) {
          if (holds > 0) {
            throw Object.assign(new Error('work between batches is under way'), {
              type: 'REBALANCE_IN_PROGRESS',
            });
          }
          return roundRobin.protocol(subscription);
        },
      };
    },
  };
}
