import { createTopic, openTicketsLog as openLog } from '@ticket-stream/kafka/testing';
import type { RawHeaders } from '@ticket-stream/ticket';
import { type TestTicket, ticket } from './log-record.ts';

export { silentLogger } from '@ticket-stream/kafka';

export type TicketsLog = Awaited<ReturnType<typeof openTicketsLog>>;

/** A tickets log with what a consumer's test asks of it: one partition, so that all of it has one order. */
export async function openTicketsLog(brokers: string, topic: string, partitions = 1) {
  const log = await openLog(brokers, topic, { partitions });
  const { kafka, names, reader } = log;
  return Object.assign(log, {
    createTopic: () => createTopic(kafka, topic, partitions, { 'cleanup.policy': 'compact' }),
    end: (): Promise<ReadonlyMap<number, bigint>> => reader.highWatermarks(topic),
    async deadLetters() {
      const to = await reader.stableEndOffsets(names.deadLetters);
      const found: { key: string; code: string; state: string; value: string; headers: RawHeaders }[] = [];
      for await (const records of reader.read(names.deadLetters, { from: new Map(), to })) {
        for (const { key, value, headers } of records) {
          found.push({
            key: key?.toString() ?? '',
            code: headers?.['dlq-code']?.toString() ?? '',
            state: headers?.['dlq-state']?.toString() ?? 'open',
            value: value?.toString() ?? '',
            headers: headers ?? {},
          });
        }
      }
      return found;
    },
  });
}

/** More records than one send holds, so that the log has some of them although their page is aborted. */
export const manyTickets = (): TestTicket[] => Array.from({ length: 1_100 }, (_, n) => ticket(n + 1, 1));
