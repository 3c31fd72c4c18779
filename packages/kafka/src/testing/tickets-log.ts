import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';
import type { Message, Producer } from 'kafkajs';
import { connectKafka } from '../kafka-connection.ts';
import { openLogReader } from '../log-reader.ts';
import { topicNames } from '../topics.ts';
import { createTopic } from './create-topic.ts';
import { readableEnds } from './readable-ends.ts';
import { openTestPublisher, silentLogger } from './test-publisher.ts';

/** A version of a ticket as a test makes it up: its document is JSON with at least `id`. */
export interface MadeVersion {
  readonly id: number;
  /** Epoch seconds. */
  readonly stamp: number;
  readonly deleted?: boolean;
  readonly value: Buffer;
}

export interface TicketsLogOptions {
  /** Default: as the producer makes the topic. */
  readonly partitions?: number;
  /** After this long the broker ends a page that is left open. */
  readonly transactionTimeoutMs?: number;
  readonly source?: string;
}

/**
 * A tickets topic with its checkpoints and dead letters, written by the one producer it has: the page publisher of the
 * producer service, given made-up pages instead of an export.
 */
export async function openTicketsLog(brokers: string, topic: string, options: TicketsLogOptions = {}) {
  const { partitions, ...publishing } = options;
  const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
  const names = topicNames(topic);
  if (partitions !== undefined) await createTopic(kafka, topic, partitions, { 'cleanup.policy': 'compact' });
  const reader = await openLogReader(kafka);
  const publisher = await openTestPublisher({ kafka, names, reader }, publishing);
  let stranger: Producer | undefined;

  const factsOf = ({ id, stamp, deleted = false, value }: MadeVersion) =>
    ({
      ticketId: String(id),
      kind: deleted ? 'deleted' : 'changed',
      stamp,
      digest: ticketDigest(value),
    }) as const;

  async function fill(versions: readonly MadeVersion[]) {
    const page = await publisher.beginPage();
    for (const version of versions) await page.publish(factsOf(version), version.value);
    return page;
  }

  return {
    brokers,
    topic,
    names,
    kafka,
    reader,
    get logId() {
      return publisher.checkpoint.logId;
    },
    /** One page, one transaction, in this order. Readers see all of it when it returns; no other page is open. */
    async publish(versions: readonly MadeVersion[]): Promise<void> {
      const page = await fill(versions);
      await page.commit({ page: publisher.checkpoint.exportState.page + 1 });
      await readableEnds(reader, topic);
    },
    async abort(versions: readonly MadeVersion[]): Promise<void> {
      await (await fill(versions)).abort();
    },
    /** A page whose producer says nothing more; readers wait for its end. Call `recover` before the next. */
    async leaveOpen(versions: readonly MadeVersion[]): Promise<void> {
      await fill(versions);
    },
    recover: () => publisher.recover(),
    /** As the producer would write them. */
    headersOf: (version: MadeVersion): Record<string, string> =>
      encodeEventHeaders({
        ...factsOf(version),
        source: publisher.checkpoint.source,
        logId: publisher.checkpoint.logId,
      }),
    /** Records of something that is not the producer. */
    async write(messages: Message[]): Promise<void> {
      if (stranger === undefined) {
        stranger = kafka.producer({ allowAutoTopicCreation: false });
        await stranger.connect();
      }
      await stranger.send({ topic, acks: -1, messages });
    },
    async close(): Promise<void> {
      await stranger?.disconnect();
      await publisher.close();
      await reader.close();
    },
  };
}
