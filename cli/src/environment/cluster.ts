/** The cluster and the account's set of topics, as a command reaches them. */
import { errorTable, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  connectKafka,
  type LogReader,
  openLogReader,
  readDatedCheckpoint,
  silentLogger,
  type TopicNames,
  topicNames,
} from '@ticket-stream/kafka';
import { kafkaConnection, type OptionValues } from '@ticket-stream/service-kit';
import { parseExportState } from '@ticket-stream/zendesk-export';
import type { clusterOptions } from './command-options.ts';

export interface Cluster {
  readonly kafka: ReturnType<typeof connectKafka>;
  readonly reader: LogReader;
  readonly names: TopicNames;
}

export type FoundCheckpoint = NonNullable<Awaited<ReturnType<typeof findCheckpoint>>>;

/**
 * Runs a command's work on the log and closes it.
 * @param command  the client id shows it, in the broker's logs and quotas
 * @throws config.invalid  no cluster answers at KAFKA_BROKERS, or it stopped to; its remedy says which
 */
export async function withCluster<T>(
  options: OptionValues<typeof clusterOptions>,
  command: string,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  // A command's own words are its output; what kafkajs retries is none of it.
  const kafka = connectKafka(
    { ...kafkaConnection(options), clientId: `ticket-stream-${command}` },
    silentLogger,
  );
  let reader: LogReader | undefined;
  try {
    reader = await openLogReader(kafka);
    return await work({ kafka, reader, names: topicNames(options.TICKETS_TOPIC) });
  } catch (error) {
    if (!isTicketStreamError(error, 'kafka.unavailable')) throw error;
    // Services wait for a cluster; who typed a command rather learns what to do.
    throw new TicketStreamError('config.invalid', error.message, {
      cause: error,
      context: error.context,
      remedy: remedyFor(error, options.KAFKA_BROKERS.join(','), reader !== undefined),
    });
  } finally {
    await reader?.close();
  }
}

function remedyFor(error: TicketStreamError, brokers: string, hasAnswered: boolean): string {
  if (error.context['type'] === 'OFFSET_OUT_OF_RANGE') {
    return 'What was to be read was deleted from the topic meanwhile (its retention). Run the command again.';
  }
  if (error.remedy !== errorTable[error.code].remedy) return error.remedy;
  return hasAnswered
    ? `The cluster at ${brokers} answered before and does not now: run the command again when it does.`
    : `Check that the cluster runs, and KAFKA_BROKERS, which is ${brokers}.`;
}

/** @throws config.invalid  the tickets topic is not there */
export async function requireTickets({ reader, names }: Pick<Cluster, 'reader' | 'names'>): Promise<void> {
  if (await reader.topicExists(names.tickets)) return;
  throw new TicketStreamError('config.invalid', `there is no topic ${names.tickets}`, {
    remedy:
      'Check TICKETS_TOPIC and KAFKA_BROKERS; the producer and "ticket-stream topics apply" make the topics. Nothing was changed.',
  });
}

/** undefined where nothing was ever exported to this topic. */
export async function findCheckpoint({ reader, names }: Omit<Cluster, 'kafka'>) {
  if (!(await reader.topicExists(names.checkpoints))) return undefined;
  return readDatedCheckpoint(reader, names.checkpoints, parseExportState);
}
