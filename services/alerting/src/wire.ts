import { join } from 'node:path';
import {
  AlertState,
  type Channel,
  defaultRuleFile,
  loadRuleFile,
  logChannel,
  raiseAlerts,
  startOutbox,
  webhookChannel,
} from '@ticket-stream/alerting';
import {
  createHttpServer,
  createProgressReporter,
  dataFolder,
  healthRoutes,
  kafkaConnection,
  listen,
  metricsRoute,
  type OptionValues,
  onlyKnownHosts,
  type ServiceContext,
  subscriptionSettings,
  tellSupervisor,
} from '@ticket-stream/service-kit';
import { emptyBooks, type Subscription, subscribe } from '@ticket-stream/subscriber';
import { alertRoutes } from './alert-routes.ts';
import type { alertingOptions } from './config.ts';
import { keepCaughtUp } from './keep-caught-up.ts';

type AlertingOptions = OptionValues<typeof alertingOptions>;

/** A delivery under way at a stop gets this long; runService gives everything together five seconds. */
const DELIVERY_GRACE_MS = 1_000;

/** tickets → alerts: makes every part, consumes until the signal, and takes the parts down again. */
export async function runAlerting(context: ServiceContext<typeof alertingOptions>): Promise<void> {
  const { options, logger, signal, onShutdown } = context;
  // First of all: a rule file with an error starts nothing.
  const ruleFile = options.ALERT_RULES ?? defaultRuleFile;
  const rules = await loadRuleFile(ruleFile);
  logger.info({ file: ruleFile, rules: rules.map(({ name }) => name) }, 'rules');

  const folder = dataFolder(options.DATA_DIR, 'alerting');
  const state = AlertState.open({ folder });
  onShutdown(() => state.close());

  const channels = openChannels(options, logger);
  const outbox = startOutbox({ ledger: state.ledger, channels, logger });
  onShutdown(() => outbox.stop(DELIVERY_GRACE_MS));

  const { handle, failures } = raiseAlerts({
    rules,
    state,
    channels: channels.map(({ name }) => name),
    eventAgeMaxSeconds: options.ALERT_MAX_EVENT_AGE,
    logger,
  });

  let firedInThisRun = 0;
  let lastAlert: { rule: string; ticketId: string; at: string } | undefined;
  state.onFired((alerts) => {
    firedInThisRun += alerts.length;
    const last = alerts.at(-1);
    if (last !== undefined) {
      lastAlert = {
        rule: last.rule,
        ticketId: last.ticketId,
        at: new Date(last.decidedAtMs).toISOString(),
      };
    }
    outbox.wake();
  });

  let subscription: Subscription | undefined;
  let waitingFor: string | undefined = 'Kafka';
  const snapshot = () => ({
    service: 'alerting' as const,
    books: subscription?.books() ?? emptyBooks,
    lag: subscription?.lag(),
    nextOffsets: Object.fromEntries(
      [...(subscription?.positions() ?? [])].map(([partition, next]) => [partition, String(next)]),
    ),
    caughtUp: subscription?.isCaughtUp() ?? false,
    waitingFor,
    alerts: firedInThisRun,
    lastAlert,
  });
  const reporter = createProgressReporter(snapshot);
  onShutdown(() => reporter.stop());

  const app = createHttpServer({ logger });
  onlyKnownHosts(app);
  healthRoutes(app, {
    ready: () => {
      const { caughtUp } = snapshot();
      if (!caughtUp || waitingFor !== undefined) return { ok: false, reason: waitingFor ?? 'catching up' };
      return subscription?.health() ?? { ok: false };
    },
    healthy: () => {
      const health = subscription?.health();
      return { ok: health?.stuck !== true, reason: health?.reason };
    },
  });
  metricsRoute(app, context.telemetry);
  app.get('/status', async () => ({
    ...snapshot(),
    booksOfStore: state.readBooks(),
    counts: state.ledger.counts(),
    ruleFailures: Object.fromEntries(failures()),
    channels: channels.map(({ name }) => ({ name, gone: outbox.gone().includes(name) })),
    firstStartedAt: new Date(state.firstStartedAtMs).toISOString(),
  }));
  alertRoutes(app, state.ledger);
  onShutdown(() => app.close());
  const url = await listen(app, {
    name: 'ALERTING_PORT',
    port: options.ALERTING_PORT,
    host: options.ALERTING_HOST,
    explicit: context.isSet('ALERTING_PORT'),
    dataDir: options.DATA_DIR,
    file: 'alerting',
  });
  tellSupervisor({ type: 'listening', service: 'alerting', url });

  const onWaiting = (reason: string | undefined): void => {
    waitingFor = reason;
  };
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  subscription = await subscribe({
    ...kafkaConnection(options),
    ...subscriptionSettings(options),
    clientId: 'ticket-stream-alerting',
    topic: options.TICKETS_TOPIC,
    group: `${options.TICKETS_TOPIC}.alerting`,
    // Its state must be complete: with nothing stored it reads everything, whatever the group has committed.
    from: 'earliest',
    versions: state,
    handle,
    onCaughtUp: () => void keepCaughtUp({ state, logger, signal }).catch(failure.reject),
    onWaiting,
    // Two would each see half of the tickets: the second says so and ends.
    soleMember: true,
    memberFile: join(folder, 'member-id'),
    logger,
    signal,
  });
  waitingFor = undefined;
  const running = subscription;
  onShutdown(() => running.stop());
  await Promise.race([running.done, failure.promise]);
}

function openChannels(
  { ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret }: AlertingOptions,
  logger: Parameters<typeof logChannel>[0],
): Channel[] {
  const channels = [logChannel(logger)];
  if (url !== undefined && secret !== undefined) channels.push(webhookChannel({ url, secret }));
  return channels;
}
