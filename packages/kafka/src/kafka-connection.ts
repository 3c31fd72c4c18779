import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { TicketStreamError } from '@ticket-stream/errors';
import kafkajs, { type Kafka as KafkaClient, type KafkaConfig, type LogEntry } from 'kafkajs';
import { brokerSockets } from './broker-socket.ts';
import { type SaslCredentials, saslLogin } from './sasl-login.ts';
import { zstdCodec } from './zstd-codec.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

/** TLS is always verified: the broker's certificate against an authority, and for the broker's name. */
export interface TlsSettings {
  /** Certificates of the authorities to trust instead of the system's; PEM. */
  readonly ca?: string;
  /** The client's own certificate with its chain, and its key, for brokers that ask for one (mutual TLS); PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Of the key, where it is encrypted. */
  readonly passphrase?: string;
}

/** Where a cluster is and how to be let in. Plain data: options are read elsewhere. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  /** true: verified against the system's authorities. */
  readonly tls?: boolean | TlsSettings;
  readonly sasl?: SaslCredentials;
  readonly clientId?: string;
}

export interface Logger {
  debug(context: object, message: string): void;
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

CompressionCodecs[CompressionTypes.ZSTD] = zstdCodec;

/**
 * Every kafkajs client of this project is made here, so that no setting on which delivery depends is left to a
 * default. kafkajs takes other defaults when NODE_ENV is `test`; naming them all keeps tests and life the same.
 */
export function connectKafka(connection: KafkaConnection, logger: Logger): KafkaClient {
  return new Kafka(clientSettings(connection, logger));
}

export function clientSettings(connection: KafkaConnection, logger: Logger): KafkaConfig {
  const { tls, sasl } = connection;
  return {
    clientId: connection.clientId ?? 'ticket-stream',
    brokers: [...connection.brokers],
    ...(tls === undefined || tls === false ? {} : { ssl: tls === true ? {} : checkedTls(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslLogin(sasl) }),
    socketFactory: brokerSockets(sasl !== undefined),
    connectionTimeout: 3_000,
    authenticationTimeout: 10_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    // A short first wait: after each commit the broker answers CONCURRENT_TRANSACTIONS for some milliseconds, and
    // the default of 300 ms halves the rate of small transactions (measured: 6,100 → 12,200 events/s).
    retry: { initialRetryTime: 15, maxRetryTime: 1_000, multiplier: 2, factor: 0.2, retries: 8 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => forward(entry, logger),
  };
}

/** kafkajs takes a certificate that cannot be used for a broker that is away, and would wait for ever. */
function checkedTls(tls: TlsSettings): ConnectionOptions {
  const { ca, cert, key, passphrase } = tls;
  const options = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  try {
    // Node ignores authorities that it cannot read, and then trusts nobody.
    if (ca !== undefined) new X509Certificate(ca);
    createSecureContext(options);
  } catch (error) {
    throw new TicketStreamError(
      'config.invalid',
      `the certificates for TLS cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        remedy: 'Give PEM: `ca`, and `cert` and `key` that belong together, with the key’s `passphrase`.',
      },
    );
  }
  return options;
}

/**
 * kafkajs reports what it retries as an error; our loops decide what is one. Its messages go one level down, and
 * its stacks stay out: they are of its own retry loop.
 */
function forward({ level, namespace, log }: LogEntry, logger: Logger): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...context } = log;
  if (message.includes('Limiting retries for the idempotent producer')) return; // page-publisher.ts recycles instead
  const fields = { kafkajs: namespace, ...context };
  logger.debug({ ...fields, level }, message);
}
