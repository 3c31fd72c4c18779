import { openTicketsLog as openLog, type TicketsLogOptions } from '@ticket-stream/kafka/testing';
import { until } from './condition.ts';

export type { MadeVersion } from '@ticket-stream/kafka/testing';

export type TicketsLog = Awaited<ReturnType<typeof openTicketsLog>>;

/** A tickets log with what tells when it is read to its end. */
export async function openTicketsLog(brokers: string, topic: string, options: TicketsLogOptions = {}) {
  const log = await openLog(brokers, topic, options);
  const { reader } = log;
  return Object.assign(log, {
    /**
     * Waits until readers see everything: right after a commit they may still be behind it.
     * @returns the next offset of each partition
     */
    async ends(): Promise<ReadonlyMap<number, bigint>> {
      return until(`${topic} without an open transaction`, async () => {
        const [stable, ends] = await Promise.all([
          reader.stableEndOffsets(topic),
          reader.highWatermarks(topic),
        ]);
        return [...ends].every(([partition, end]) => stable.get(partition) === end) && stable;
      });
    },
    /** The offset behind the last record of each partition; commit markers may follow. To be called at `ends`. */
    async recordEnds(ends: ReadonlyMap<number, bigint>): Promise<ReadonlyMap<number, bigint>> {
      const last = new Map<number, bigint>();
      for await (const records of reader.read(topic, { from: await reader.startOffsets(topic), to: ends })) {
        for (const { partition, offset } of records) last.set(partition, offset + 1n);
      }
      return last;
    },
  });
}
