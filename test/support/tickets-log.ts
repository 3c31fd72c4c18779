import {
  openTicketsLog as openLog,
  readableEnds,
  type TicketsLogOptions,
} from '@ticket-stream/kafka/testing';

export type { MadeVersion } from '@ticket-stream/kafka/testing';

export type TicketsLog = Awaited<ReturnType<typeof openTicketsLog>>;

/** A tickets log with what tells when it is read to its end. */
export async function openTicketsLog(brokers: string, topic: string, options: TicketsLogOptions = {}) {
  const log = await openLog(brokers, topic, options);
  const { reader } = log;
  return Object.assign(log, {
    /** The next offset of each partition, once readers see everything. */
    ends: (): Promise<ReadonlyMap<number, bigint>> => readableEnds(reader, topic),
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
