import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { openSqliteIndex, withStoredTickets } from '@ticket-stream/search';
import {
  createHttpServer,
  createProgressReporter,
  dataFolder,
  healthRoutes,
  isLoopbackHost,
  kafkaConnection,
  listen,
  metricsRoute,
  onlyKnownHosts,
  type ServiceContext,
  subscriptionSettings,
  tellSupervisor,
} from '@ticket-stream/service-kit';
import { emptyBooks, type Subscription, subscribe } from '@ticket-stream/subscriber';
import type { searchOptions } from './config.ts';
import { searchRoutes } from './search-routes.ts';

const tracer = trace.getTracer('@ticket-stream/search-service');

/** tickets → index, and the query API: makes every part, consumes until the signal, takes the parts down again. */
export async function runSearch(context: ServiceContext<typeof searchOptions>): Promise<void> {
  const { options, logger, signal, onShutdown } = context;
  const folder = dataFolder(options.DATA_DIR, 'search');
  const index = openSqliteIndex(join(folder, 'index.sqlite'));
  onShutdown(() => index.close());
  // A new index has a new id, so a new group: it reads the log from its start whatever another index has read.
  const group = `${options.TICKETS_TOPIC}.search.${index.id}`;
  let indexed = await index.count();
  logger.info({ indexed, group }, 'index');

  let subscription: Subscription | undefined;
  let waitingFor: string | undefined = 'Kafka';
  const snapshot = () => ({
    service: 'search' as const,
    books: subscription?.books() ?? emptyBooks,
    lag: subscription?.lag(),
    nextOffsets: Object.fromEntries(
      [...(subscription?.positions() ?? [])].map(([partition, next]) => [partition, String(next)]),
    ),
    caughtUp: subscription?.isCaughtUp() ?? false,
    waitingFor,
    indexed,
  });
  const reporter = createProgressReporter(snapshot);
  onShutdown(() => reporter.stop());

  const app = createHttpServer({ logger });
  onlyKnownHosts(app, options.SEARCH_ALLOWED_HOSTS);
  healthRoutes(app, {
    // Queries are answered from the first moment; ready is who knows how far behind the log the answers are.
    ready: () => {
      if (subscription?.lag() === undefined) {
        return { ok: false, reason: waitingFor ?? 'finding where to go on' };
      }
      return subscription.health();
    },
    healthy: () => {
      const health = subscription?.health();
      return { ok: health?.stuck !== true, reason: health?.reason };
    },
  });
  metricsRoute(app, context.telemetry);
  app.get('/status', async () => ({
    ...snapshot(),
    lag: snapshot().lag ?? null,
    waitingFor: waitingFor ?? null,
    booksOfStore: await index.readBooks(),
    group,
  }));
  searchRoutes(app, index);
  onShutdown(() => app.close());
  if (!isLoopbackHost(options.SEARCH_HOST)) {
    logger.warn(
      { host: options.SEARCH_HOST },
      'the query API is open beyond this machine and asks for no password',
    );
  }
  const url = await listen(app, {
    name: 'SEARCH_PORT',
    port: options.SEARCH_PORT,
    explicit: context.isSet('SEARCH_PORT'),
    host: options.SEARCH_HOST,
    dataDir: options.DATA_DIR,
    file: 'search',
  });
  tellSupervisor({ type: 'listening', service: 'search', url });

  subscription = await subscribe({
    ...kafkaConnection(options),
    ...subscriptionSettings(options),
    clientId: 'ticket-stream-search',
    topic: options.TICKETS_TOPIC,
    group,
    // Nothing stored yet: from the start of the log, which keeps the newest version of every ticket for ever.
    from: 'earliest',
    versions: options.EXCLUDE_SYSTEM_UPDATES ? withStoredTickets(index) : index,
    handle: (changes) =>
      tracer.startActiveSpan('index tickets', async (span) => {
        try {
          await index.apply(changes);
        } finally {
          span.setAttribute('ticket_stream.tickets', changes.length).end();
        }
      }),
    onProgress: () => {
      index.count().then(
        (count) => {
          indexed = count;
        },
        (error: unknown) => logger.warn({ err: error }, 'the index could not be counted'),
      );
    },
    onWaiting: (reason) => {
      waitingFor = reason;
    },
    memberFile: join(folder, 'member-id'),
    logger,
    signal,
  });
  waitingFor = undefined;
  const running = subscription;
  onShutdown(() => running.stop());
  await running.done;
}
