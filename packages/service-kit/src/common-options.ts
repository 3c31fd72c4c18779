/** Options that several services share; spread them into a service's own table. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { TicketStreamError } from '@ticket-stream/errors';
import { isLoopbackHost } from './loopback.ts';
import { type KnownValues, type OptionProblem, option } from './option.ts';

export const commonOptions = {
  TICKETS_TOPIC: option.text({
    text: 'Topic of the tickets; checkpoints and dead letters stand in topics named after it.',
    default: 'tickets',
    // Kafka: 249 characters; the longest of our own endings, ".checkpoints", must fit as well.
    charactersMax: 237,
    pattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/,
    expected: 'letters, digits, ".", "_" and "-", at most 237 of them',
  }),
  DATA_DIR: option.path({
    text: 'Folder of everything kept on this machine; several folders work side by side.',
    default: '.data',
  }),
  LOG_LEVEL: option.choice({
    text: 'The least important lines that are logged.',
    of: ['debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
};

function brokerProblem(broker: string): string | undefined {
  const address = splitBroker(broker);
  if (address === undefined) return 'is not host:port';
  if (address.port < 1 || address.port > 65_535) return 'has no port from 1 to 65535';
  return undefined;
}

function splitBroker(broker: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(broker);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const host = match[1];
  if (host.startsWith('[') && isIP(host.slice(1, -1)) !== 6) return undefined;
  return { host, port: Number(match[2]) };
}

function allLoopback(brokers: unknown): boolean {
  // Not known (wrong, or missing): that is reported by itself.
  if (!Array.isArray(brokers)) return true;
  return brokers.every((broker: unknown) => {
    const address = typeof broker === 'string' ? splitBroker(broker) : undefined;
    return address !== undefined && isLoopbackHost(address.host);
  });
}

function onlyWithMechanism(values: KnownValues): OptionProblem | undefined {
  return values['KAFKA_SASL_MECHANISM'] === undefined
    ? {
        problem: 'is set, but KAFKA_SASL_MECHANISM is not, so it would not be used',
        remedy: 'Set KAFKA_SASL_MECHANISM too, or leave both out.',
      }
    : undefined;
}

/** Everything needed to reach the cluster; `kafkaConnection` makes of it what packages/kafka takes. */
export const kafkaOptions = {
  KAFKA_BROKERS: option.list({
    text: 'The brokers to begin with; they name the others.',
    required: true,
    example: 'localhost:9092',
    expectedItem: 'host:port',
    item: brokerProblem,
  }),
  KAFKA_TLS: option.boolean({ text: 'Whether connections to the brokers are encrypted.', default: false }),
  KAFKA_TLS_CA: option.path({
    text: 'File with the certificates (PEM) to trust instead of the system’s.',
    example: '/etc/kafka/ca.pem',
    check: (_path, values) =>
      values['KAFKA_TLS'] === false
        ? {
            problem: 'is set, but KAFKA_TLS is false, so nothing would be encrypted',
            remedy: 'Set KAFKA_TLS=true, or leave KAFKA_TLS_CA out.',
          }
        : undefined,
  }),
  KAFKA_SASL_MECHANISM: option.choice({
    text: 'How to log in to the brokers; not set: no login.',
    of: ['plain', 'scram-sha-256', 'scram-sha-512'],
    check: (mechanism, values) =>
      mechanism === 'plain' && values['KAFKA_TLS'] === false && !allLoopback(values['KAFKA_BROKERS'])
        ? {
            problem: 'is plain while KAFKA_TLS is false: the password would travel in clear',
            remedy: 'Set KAFKA_TLS=true, or use scram-sha-512.',
          }
        : undefined,
  }),
  KAFKA_SASL_USERNAME: option.text({
    text: 'User of the brokers.',
    required: (values) => values['KAFKA_SASL_MECHANISM'] !== undefined,
    check: (_username, values) => onlyWithMechanism(values),
  }),
  KAFKA_SASL_PASSWORD: option.secret({
    text: 'Password of that user.',
    required: (values) => values['KAFKA_SASL_MECHANISM'] !== undefined,
    check: (_password, values) => onlyWithMechanism(values),
  }),
};

export interface KafkaOptionValues {
  readonly KAFKA_BROKERS: readonly string[];
  readonly KAFKA_TLS: boolean;
  readonly KAFKA_TLS_CA: string | undefined;
  readonly KAFKA_SASL_MECHANISM: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined;
  readonly KAFKA_SASL_USERNAME: string | undefined;
  readonly KAFKA_SASL_PASSWORD: string | undefined;
}

/** The shape packages/kafka connects with. `ca`: the certificates themselves, PEM. */
export interface KafkaConnectionSettings {
  readonly brokers: readonly string[];
  readonly tls: boolean | { readonly ca: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** @throws config.invalid  KAFKA_TLS_CA can't be read */
export function kafkaConnection(values: KafkaOptionValues): KafkaConnectionSettings {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = values;
  const ca = values.KAFKA_TLS_CA;
  return {
    brokers: values.KAFKA_BROKERS,
    tls: values.KAFKA_TLS && ca !== undefined ? { ca: readCertificates(ca) } : values.KAFKA_TLS,
    ...(mechanism === undefined || username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism, username, password } }),
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TicketStreamError('config.invalid', `KAFKA_TLS_CA: the file ${file} can't be read`, {
      cause: error,
      remedy: 'Give the path of a PEM file that this user may read.',
    });
  }
}
