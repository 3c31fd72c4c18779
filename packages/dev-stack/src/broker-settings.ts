/** Extra or other broker properties, by Kafka's own names. */
export type BrokerProperties = Readonly<Record<string, string | number | boolean>>;

/** A listener beside the plain one on 127.0.0.1; what it asks for is in properties, `listener.name.<name>.…`. */
export interface BrokerListener {
  /** Letters and digits, in capitals. */
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly port: number;
  /** The host that clients are told; it leads to this machine. */
  readonly host: string;
}

interface BrokerPlace {
  /** Port for clients, as advertised on 127.0.0.1. */
  readonly port: number;
  readonly controllerPort: number;
  /** Where the broker listens: 127.0.0.1, or every address inside a container that publishes on 127.0.0.1 only. */
  readonly listenHost: string;
  /** Kafka's log.dirs. */
  readonly logDir: string;
}

/** A combined broker and controller for one machine, as server.properties has it. */
export function serverProperties(
  place: BrokerPlace,
  extra: BrokerProperties = {},
  beside: readonly BrokerListener[] = [],
): string {
  const listed = (first: readonly string[], write: (listener: BrokerListener) => string) =>
    [...first, ...beside.map(write)].join(',');
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${place.controllerPort}`,
    listeners: listed(
      [`PLAINTEXT://${place.listenHost}:${place.port}`, `CONTROLLER://127.0.0.1:${place.controllerPort}`],
      ({ name, port }) => `${name}://${place.listenHost}:${port}`,
    ),
    'advertised.listeners': listed(
      [`PLAINTEXT://127.0.0.1:${place.port}`],
      ({ name, host, port }) => `${name}://${host}:${port}`,
    ),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': listed(
      ['CONTROLLER:PLAINTEXT', 'PLAINTEXT:PLAINTEXT'],
      ({ name, protocol }) => `${name}:${protocol}`,
    ),
    'log.dirs': place.logDir,

    // One broker, so one replica of everything; few internal partitions, because each is made at first use and
    // opened at every start.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Kafka's default, written down because the budget of an export page rests on it.
    'transaction.max.timeout.ms': 15 * 60_000,
    // A client that asks for a topic must not make it with the broker's defaults.
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,

    // A broker that comes back is let in when its former self's session has ended. With the default of 9 s a start
    // after a kill took 11.3 s; with 3 s it takes 4, with 2 s it took 3.1 (one machine, 2 cores). Not lower: a
    // broker that a busy machine holds up longer than this loses its partitions for a moment.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 300,
    // A clean stop signs off at the controller, so that the next start waits for no session: stop 0.3 s with it and
    // 0.2 s without, next start 1.4 s with it and 11.3 s without.
    'controlled.shutdown.enable': true,

    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    ...extra,
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`)
    .join('\n')}\n`;
}

/** Warnings and errors to a file of at most twice 10 MB; nothing to the terminal. */
export function log4jProperties(logFile: string): string {
  return `status = error
appender.file.type = RollingFile
appender.file.name = File
appender.file.fileName = ${logFile}
appender.file.filePattern = ${logFile}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %p %m (%c)%n%throwable
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
rootLogger.level = warn
rootLogger.appenderRef.file.ref = File
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`;
}
