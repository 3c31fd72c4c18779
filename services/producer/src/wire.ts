import {
  connectKafka,
  ensureTopics,
  insist,
  type KafkaConnection,
  type LogReader,
  openLogReader,
  openPagePublisher,
  producerRetryTopic,
  readDatedCheckpoint,
  topicNames,
} from '@ticket-stream/kafka';
import {
  createHttpServer,
  createProgressReporter,
  healthRoutes,
  kafkaConnection,
  listen,
  metricsRoute,
  type OptionValues,
  onlyKnownHosts,
  type ServiceContext,
  tellSupervisor,
  zendeskCredentials,
} from '@ticket-stream/service-kit';
import {
  createExportClient,
  createPacer,
  PAGE_BUDGET_MS,
  parseExportState,
  startState,
  type WantedExport,
} from '@ticket-stream/zendesk-export';
import type { producerOptions } from './config.ts';
import { runExport } from './export-loop.ts';
import { createExportObservation } from './export-observation.ts';
import { msToFirstTurn } from './first-turn.ts';
import { createLetterRetries } from './letter-retries.ts';

type ProducerOptions = OptionValues<typeof producerOptions>;

/** Zendesk → tickets: makes every part, runs the export until the signal, and takes the parts down again. */
export async function runProducer(context: ServiceContext<typeof producerOptions>): Promise<void> {
  const { options, logger, signal, onShutdown } = context;
  const names = topicNames(options.TICKETS_TOPIC);
  const requestsAllowed = options.EXPORT_REQUESTS_PER_MINUTE * options.EXPORT_ALLOWANCE_SHARE;
  const pacer = createPacer({ requestsPerMinute: requestsAllowed });
  const observation = createExportObservation({
    logger,
    perPage: options.EXPORT_PER_PAGE,
    requestsAllowed,
    spacingSeconds: pacer.spacingMs / 1000,
    delaySeconds: options.EXPORT_DELAY_SECONDS,
    zendeskUrl: options.ZENDESK_URL,
    topics: names,
  });
  onShutdown(observation.stopped);
  const { progress } = observation;
  const onWaiting = observation.waitingFor;
  const source = options.EXPORT_SOURCE ?? new URL(options.ZENDESK_URL).origin;

  const wanted = wantedExport(options);
  const view = { scope: wanted.scope, include: options.EXPORT_INCLUDE };
  const client = createExportClient({
    url: options.ZENDESK_URL,
    credentials: zendeskCredentials(options),
    view,
  });
  onShutdown(() => client.close());

  let positionSecond: () => number | undefined = () => undefined;
  let nextOffsets: () => Record<string, string> = () => ({});
  const reporter = createProgressReporter(() => ({
    service: 'producer',
    stage: progress.stage,
    pages: progress.pages,
    requests: progress.requests,
    exported: progress.exported,
    published: progress.published,
    repeated: progress.repeated,
    deadLettered: progress.deadLettered,
    positionSecond: positionSecond(),
    nextOffsets: nextOffsets(),
    waitingFor: progress.waitingFor,
    backfill: observation.backfill(),
  }));
  onShutdown(() => reporter.stop());

  const app = createHttpServer({ logger });
  onlyKnownHosts(app);
  healthRoutes(app, observation);
  metricsRoute(app, context.telemetry);
  app.get('/status', async () => ({
    ...progress,
    retries: Object.fromEntries(progress.retries),
    backfill: observation.backfill() ?? null,
    position: positionSecond() ?? null,
    source,
  }));
  onShutdown(() => app.close());
  const url = await listen(app, {
    name: 'PRODUCER_PORT',
    port: options.PRODUCER_PORT,
    host: options.PRODUCER_HOST,
    explicit: context.isSet('PRODUCER_PORT'),
    dataDir: options.DATA_DIR,
    file: 'producer',
  });
  tellSupervisor({ type: 'listening', service: 'producer', url });

  const connection: KafkaConnection = { ...kafkaConnection(options), clientId: 'ticket-stream-producer' };
  const kafka = connectKafka(connection, logger);
  const prepared = await observation.waiting('kafka', () =>
    insist({ logger, signal, onWaiting }, 'preparing the topics', async () => {
      const topics = await ensureTopics(kafka, names, {
        acceptSettings: options.ACCEPT_TOPIC_SETTINGS,
        logger,
      });
      const reader: LogReader = await openLogReader(kafka);
      return { topics, reader };
    }),
  );
  onShutdown(() => prepared.reader.close());

  pacer.holdOff(await msToTurnAfterFormerLife(prepared.reader));

  const publisher = await observation.waiting('kafka', () =>
    openPagePublisher({
      kafka,
      ...prepared,
      names,
      source,
      initialState: () => startState(options.START_TIME, wanted.mode, wanted.scope),
      parseState: parseExportState,
      logger,
      signal,
      onWaiting,
    }),
  );
  observation.opened({
    state: () => publisher.checkpoint.exportState,
    openTransactionSinceMs: publisher.openTransactionSinceMs,
    startSecond: options.START_TIME,
  });
  onShutdown(() => publisher.close());
  positionSecond = () => publisher.checkpoint.exportState.position;
  nextOffsets = () =>
    Object.fromEntries(
      [...publisher.checkpoint.nextOffsets].map(([partition, next]) => [partition, String(next)]),
    );

  const letters = createLetterRetries({
    ...{ client, publisher, source, logger, signal },
    reader: prepared.reader,
    topic: producerRetryTopic(options.TICKETS_TOPIC),
    onOutcome: observation.letterDone,
  });
  await runExport({
    client,
    publisher,
    letters,
    pacer,
    wanted,
    include: options.EXPORT_INCLUDE,
    spillDir: options.DATA_DIR,
    perPage: options.EXPORT_PER_PAGE,
    source,
    delaySeconds: options.EXPORT_DELAY_SECONDS,
    pageBudgetMs: PAGE_BUDGET_MS,
    acceptGap: options.ACCEPT_GAP,
    once: options.EXPORT_ONCE,
    logger,
    signal,
    observation,
  });

  /** Read before the fence: it is about the pace, and an older one than the newest only makes it a little too fast. */
  async function msToTurnAfterFormerLife(reader: LogReader): Promise<number> {
    const last = await observation.waiting('kafka', () =>
      insist({ logger, signal, onWaiting }, 'reading the checkpoint', () =>
        readDatedCheckpoint(reader, names.checkpoints, parseExportState),
      ),
    );
    return msToFirstTurn(last?.writtenAtMs, Date.now(), pacer.spacingMs);
  }
}

function wantedExport(options: ProducerOptions): WantedExport {
  return {
    mode: options.EXPORT_MODE,
    scope: {
      excludeDeleted: options.EXPORT_EXCLUDE_DELETED,
      supportTypes: options.EXPORT_SUPPORT_TYPE_SCOPE,
    },
  };
}
