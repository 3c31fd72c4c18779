/**
 * How a service reaches the cluster and is let in: options that several services share, and the connection they make.
 * No option switches the verification of a broker's certificate off.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { TicketStreamError } from '@ticket-stream/errors';
import { keyProblem, pemProblem } from './certificate-files.ts';
import { isLoopbackHost } from './loopback.ts';
import { type KnownValues, type OptionProblem, option } from './option.ts';

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

/** What is given together with another option, and would do nothing, or only half, without it. */
function notWithout(values: KnownValues, other: string): OptionProblem | undefined {
  return values[other] === undefined
    ? {
        problem: `is set, but ${other} is not, so it would not be used`,
        remedy: `Set ${other} too, or leave both out.`,
      }
    : undefined;
}

function onlyWithTls(values: KnownValues, name: string): OptionProblem | undefined {
  return values['KAFKA_TLS'] === false
    ? {
        problem: 'is set, but KAFKA_TLS is false, so nothing would be encrypted',
        remedy: `Set KAFKA_TLS=true, or leave ${name} out.`,
      }
    : undefined;
}

function given(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export const kafkaOptions = {
  KAFKA_BROKERS: option.list({
    text: 'The brokers to begin with; they name the others.',
    required: true,
    example: 'localhost:9092',
    expectedItem: 'host:port',
    item: brokerProblem,
  }),
  KAFKA_TLS: option.boolean({
    text: 'Whether connections to the brokers are encrypted; certificates are always verified.',
    default: false,
  }),
  KAFKA_TLS_CA: option.path({
    text: 'File with the certificates (PEM) to trust instead of the system’s.',
    example: '/etc/kafka/ca.pem',
    check: (file, values) => onlyWithTls(values, 'KAFKA_TLS_CA') ?? pemProblem(file),
  }),
  KAFKA_TLS_CERT: option.path({
    text: 'File with this client’s own certificate and its chain (PEM), for brokers that ask for one.',
    example: '/etc/kafka/client.pem',
    check: (file, values) =>
      onlyWithTls(values, 'KAFKA_TLS_CERT') ?? notWithout(values, 'KAFKA_TLS_KEY') ?? pemProblem(file),
  }),
  KAFKA_TLS_KEY: option.path({
    text: 'File with the private key of that certificate (PEM).',
    example: '/etc/kafka/client.key',
    check: (file, values) =>
      onlyWithTls(values, 'KAFKA_TLS_KEY') ??
      notWithout(values, 'KAFKA_TLS_CERT') ??
      keyProblem(file, given(values['KAFKA_TLS_KEY_PASSPHRASE']), given(values['KAFKA_TLS_CERT'])),
  }),
  KAFKA_TLS_KEY_PASSPHRASE: option.secret({
    text: 'Passphrase of that key, where it is encrypted.',
    check: (_passphrase, values) => notWithout(values, 'KAFKA_TLS_KEY'),
  }),
  KAFKA_SASL_MECHANISM: option.choice({
    text: 'How to log in to the brokers; not set: no login.',
    of: ['plain', 'scram-sha-256', 'scram-sha-512'],
    check: (mechanism, values) =>
      mechanism === 'plain' &&
      values['KAFKA_TLS'] === false &&
      values['KAFKA_ALLOW_CLEARTEXT_PASSWORD'] === false &&
      !allLoopback(values['KAFKA_BROKERS'])
        ? {
            problem: 'is plain while KAFKA_TLS is false: the password would travel in clear',
            remedy:
              'Set KAFKA_TLS=true, or use scram-sha-512; on a network that encrypts by itself, KAFKA_ALLOW_CLEARTEXT_PASSWORD=true.',
          }
        : undefined,
  }),
  KAFKA_SASL_USERNAME: option.text({
    text: 'User of the brokers.',
    required: (values) => values['KAFKA_SASL_MECHANISM'] !== undefined,
    check: (_username, values) => notWithout(values, 'KAFKA_SASL_MECHANISM'),
  }),
  KAFKA_SASL_PASSWORD: option.secret({
    text: 'Password of that user.',
    required: (values) => values['KAFKA_SASL_MECHANISM'] !== undefined,
    check: (_password, values) => notWithout(values, 'KAFKA_SASL_MECHANISM'),
  }),
  KAFKA_ALLOW_CLEARTEXT_PASSWORD: option.boolean({
    text: 'Log in by plain without TLS beyond this machine: for networks that encrypt by themselves (a mesh, a VPN).',
    default: false,
  }),
};

export interface KafkaOptionValues {
  readonly KAFKA_BROKERS: readonly string[];
  readonly KAFKA_TLS: boolean;
  readonly KAFKA_TLS_CA: string | undefined;
  readonly KAFKA_TLS_CERT: string | undefined;
  readonly KAFKA_TLS_KEY: string | undefined;
  readonly KAFKA_TLS_KEY_PASSPHRASE: string | undefined;
  readonly KAFKA_SASL_MECHANISM: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined;
  readonly KAFKA_SASL_USERNAME: string | undefined;
  readonly KAFKA_SASL_PASSWORD: string | undefined;
}

/** The shape packages/kafka connects with; certificates and key are PEM, not paths. */
export interface KafkaConnectionSettings {
  readonly brokers: readonly string[];
  readonly tls:
    | boolean
    | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** @throws config.invalid  a file of certificates can't be read any more */
export function kafkaConnection(values: KafkaOptionValues): KafkaConnectionSettings {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = values;
  return {
    brokers: values.KAFKA_BROKERS,
    tls: values.KAFKA_TLS && tlsSettings(values),
    ...(mechanism === undefined || username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism, username, password } }),
  };
}

function tlsSettings(values: KafkaOptionValues): KafkaConnectionSettings['tls'] {
  const { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = values;
  if (ca === undefined && cert === undefined) return true;
  const passphrase = values.KAFKA_TLS_KEY_PASSPHRASE;
  return {
    ...(ca === undefined ? {} : { ca: readText('KAFKA_TLS_CA', ca) }),
    ...(cert === undefined ? {} : { cert: readText('KAFKA_TLS_CERT', cert) }),
    ...(key === undefined ? {} : { key: readText('KAFKA_TLS_KEY', key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TicketStreamError('config.invalid', `${name}: the file ${file} can't be read`, {
      cause: error,
      remedy: 'Give the path of a PEM file that this user may read.',
    });
  }
}
