/**
 * A member of a consumer group as far as retries go: reads the group's retry topic and answers each with a state, or
 * with the letter once more. The real one is the subscriber's.
 */
import { isTicketStreamError } from '@ticket-stream/errors';
import {
  connectKafka,
  ensureTopics,
  type LogRecord,
  openDeadLetterWriter,
  openLogReader,
  retryTopic,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';

export type Verdict = 'applied' | 'duplicate' | 'stale' | 'fails';

export async function startRetryingMember(options: {
  readonly brokers: string;
  readonly tickets: string;
  readonly group: string;
  readonly verdictOf: (record: LogRecord) => Verdict;
}) {
  const { tickets, group, verdictOf } = options;
  const kafka = connectKafka({ brokers: options.brokers.split(',') }, silentLogger);
  const names = topicNames(tickets);
  await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  const reader = await openLogReader(kafka);
  const writer = openDeadLetterWriter(kafka, names.deadLetters);
  const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.connect();
  await consumer.subscribe({ topic: tickets });
  await consumer.run({ eachMessage: async () => {} });
  await joined;

  const received: LogRecord[] = [];
  const topic = retryTopic(tickets, group);
  const stop = new AbortController();
  const at = new Map<number, bigint>();

  async function answerNew(): Promise<void> {
    if (!(await reader.topicExists(topic))) return;
    const to = await reader.stableEndOffsets(topic);
    for await (const records of reader.read(topic, { from: at, to })) {
      for (const record of records) {
        received.push(record);
        at.set(record.partition, record.offset + 1n);
        await answer(record);
      }
    }
  }

  async function answer(record: LogRecord): Promise<void> {
    const header = (name: string): string => String(record.headers?.[name]);
    const verdict = verdictOf(record);
    if (verdict !== 'fails') return await writer.settle([{ key: header('retry-letter'), state: verdict }]);
    await writer.write([
      {
        code: 'record.invalid_value',
        cause: 'still no JSON',
        origin: {
          kind: 'record',
          ...{ group, topic: tickets, recordKey: record.key, headers: record.headers },
          partition: Number(header('retry-partition')),
          offset: BigInt(header('retry-offset')),
        },
        bytes: record.value ?? Buffer.alloc(0),
      },
    ]);
  }

  const running = (async () => {
    while (!stop.signal.aborted) {
      await answerNew().catch((error: unknown) => {
        // A topic that was made a moment ago has no leader yet.
        if (!isTicketStreamError(error, 'kafka.unavailable')) throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();

  running.catch((error: unknown) => process.stderr.write(`the member ended: ${String(error)}\n`));
  return {
    received,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await Promise.all([consumer.disconnect(), writer.close(), reader.close()]);
    },
  };
}
