import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConsoleRecord,
  consoleConsume,
  sharedKafka,
  topicPrefix,
} from '@ticket-stream/dev-stack/testing';
import { type Checkpoint, connectKafka, openLogReader, readNewestCheckpoint } from '@ticket-stream/kafka';
import { type ExportState, parseExportState } from '@ticket-stream/zendesk-export';
import { type CommittedVersion, readCommitted } from './committed-log.ts';
import { until } from './condition.ts';
import { ScriptedZendesk } from './scripted-zendesk.ts';
import { ServiceProcess } from './service-process.ts';

export const API_TOKEN = 'the-token-that-no-log-may-show';
/** Where the export of these tests begins. */
export const START_SECOND = 1_700_000_000;

interface ProducerStatus {
  readonly exported: number;
  readonly stage: string;
  readonly requests: number;
  readonly waitingFor?: string;
  readonly published: number;
  readonly repeated: number;
  readonly deadLettered: number;
  readonly retries: Readonly<Record<string, number>>;
}

/** A scripted Zendesk and a producer on the run's broker, not started yet, with topics of their own. */
export async function createScriptedProducer(name: string, env: Readonly<Record<string, string>> = {}) {
  const { brokers } = sharedKafka();
  const dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-test-'));
  const topic = `${topicPrefix(name)}tickets`;
  const zendesk = await ScriptedZendesk.start();
  const environment = {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: topic,
    ZENDESK_URL: zendesk.url,
    ZENDESK_EMAIL: 'admin@acme.example',
    ZENDESK_API_TOKEN: API_TOKEN,
    EXPORT_SOURCE: `test:${name}`,
    EXPORT_REQUESTS_PER_MINUTE: '1200',
    START_TIME: String(START_SECOND),
    ...env,
  };
  const producer = new ServiceProcess('producer', dataDir, environment);
  const reader = await openLogReader(connectKafka({ brokers: brokers.split(',') }, silent));
  return {
    zendesk,
    producer,
    topic,
    /** For a command beside it. */
    env: { ...environment, DATA_DIR: dataDir },
    log: (): LogLine[] => logLines(producer.log),
    async status(): Promise<ProducerStatus> {
      const url = await until('the producer to listen', () => producer.url);
      return (await (await fetch(`${url}/status`)).json()) as ProducerStatus;
    },
    checkpoint: (): Promise<Checkpoint<ExportState> | undefined> =>
      readNewestCheckpoint(reader, `${topic}.checkpoints`, parseExportState),
    versions: (): Promise<CommittedVersion[]> => readCommitted(brokers, topic),
    /** A sink of its own on the same topic, from its beginning; ended with what it keeps. */
    async sink<Name extends 'search' | 'alerting'>(name: Name, folder: string) {
      const service = new ServiceProcess(name, join(dataDir, folder), {
        KAFKA_BROKERS: brokers,
        TICKETS_TOPIC: topic,
      }).start();
      return { service, [Symbol.asyncDispose]: async () => void (await service.stop()) };
    },
    async deadLetters(): Promise<DeadLetterRecord[]> {
      const letters: DeadLetterRecord[] = [];
      for await (const record of consoleConsume({ brokers, topic: `${topic}.dlq` })) {
        const headers = record.headers.map(([header, value]) => [header, value?.toString('utf8') ?? '']);
        letters.push({ ...record, named: Object.fromEntries(headers) as Record<string, string> });
      }
      return letters;
    },
    async [Symbol.asyncDispose]() {
      await producer.stop();
      await reader.close();
      await zendesk[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface DeadLetterRecord extends ConsoleRecord {
  readonly named: Readonly<Record<string, string>>;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly code?: string; readonly message?: string; readonly remedy?: string };
}

/** A service's log, line by line; stray output of its runtime is not JSON and stays out. */
export function logLines(log: string): LogLine[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** For lists whose order says nothing. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** What a service says when it ends. */
export function lastWords(log: string) {
  return logLines(log).find(({ level }) => level === 'fatal')?.err;
}
