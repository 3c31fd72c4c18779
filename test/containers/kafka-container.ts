import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';

/** The official image, or one of its layout that KAFKA_IMAGE names. */
export const kafkaImage = process.env['KAFKA_IMAGE'] ?? 'apache/kafka:4.4.0';

/** @returns whether testcontainers finds a container engine here; DOCKER_TESTS=required says that it must */
export async function dockerIsExpected(): Promise<boolean> {
  if (process.env['DOCKER_TESTS'] === 'required') return true;
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

const BROKER_PORT = 9092;

/**
 * A broker of the `apache/kafka` image, started by the image's own entry point and set up by its KAFKA_* variables.
 * (`@testcontainers/kafka` 12 takes images of another layout only.)
 *
 * The broker must tell its clients an address that they can reach, so the port outside is chosen before the start; that
 * it also stays the same over a restart lets clients live through one.
 */
export class KafkaContainer extends GenericContainer {
  #host = '';
  #port = 0;

  constructor(image = kafkaImage) {
    super(image);
    this.withExposedPorts(BROKER_PORT)
      .withStartupTimeout(120_000)
      .withWaitStrategy(Wait.forLogMessage('Kafka Server started'))
      .withEnvironment({
        KAFKA_NODE_ID: '1',
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
        KAFKA_LISTENERS: `OUTSIDE://:${BROKER_PORT},INSIDE://:19092,CONTROLLER://:9093`,
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
        KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
        // One broker, so one replica of everything.
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
        KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
        KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
        // A broker that was killed is let in again when its former self's session has ended.
        KAFKA_BROKER_SESSION_TIMEOUT_MS: '3000',
        KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '300',
        KAFKA_HEAP_OPTS: '-Xms128m -Xmx512m',
      });
  }

  /** host:port; known once the container has started. */
  get brokers(): string {
    return `${this.#host}:${this.#port}`;
  }

  protected override async beforeContainerCreated(): Promise<void> {
    const { host, hostIps } = (await getContainerRuntimeClient()).info.containerRuntime;
    const [ip] = hostIps;
    this.#host = host;
    this.#port = await freePort();
    this.withEnvironment({
      KAFKA_ADVERTISED_LISTENERS: `OUTSIDE://${this.brokers},INSIDE://localhost:19092`,
    });
    // A broker without a password is published to this machine only, where the engine is on this machine.
    const isHere = ip !== undefined && (ip.address === '127.0.0.1' || ip.address === '::1');
    this.hostConfig.PortBindings = {
      [`${BROKER_PORT}/tcp`]: [{ HostIp: isHere ? ip.address : '', HostPort: String(this.#port) }],
    };
  }
}

/** Below the usual ephemeral ranges: while the broker is down, nobody else is given its port. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
