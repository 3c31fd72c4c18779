import { type SecureKafka, secureKafka } from '@ticket-stream/dev-stack/testing';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectKafka, type KafkaConnection, type Logger, silentLogger } from './kafka-connection.ts';
import { openLogReader } from './log-reader.ts';
import { ensureRetryTopic } from './retry-topics.ts';
import { insist } from './wait-for-cluster.ts';

const PASSWORD = 'ann-has-a-secret';
const KEY_PASSPHRASE = 'key-has-a-secret';
const WRONG_PASSWORD = 'ann-has-forgotten';
const login = { username: 'ann', password: PASSWORD };

let kafka: SecureKafka;
let ca: string;
let client: { cert: string; key: string };
let stranger: { ca: string; cert: string; key: string };

beforeAll(async () => {
  kafka = await secureKafka({ users: { ann: PASSWORD } });
  ca = kafka.authority.certificate;
  const mine = await kafka.authority.issue({ name: 'client', passphrase: KEY_PASSPHRASE });
  client = { cert: mine.certificate, key: mine.key };
  const other = await kafka.otherAuthority();
  const theirs = await other.issue({ name: 'client' });
  stranger = { ca: other.certificate, cert: theirs.certificate, key: theirs.key };
  const look = { operation: 'Describe', resource: 'topic', name: 'tickets', prefixed: false } as const;
  // By certificate, by login, and by the door that asks for TLS alone.
  for (const principal of ['CN=client', 'ann', 'ANONYMOUS']) await kafka.allow(principal, [look]);
});
afterAll(() => kafka.stop());

async function reach(kafkaClient: Kafka): Promise<void> {
  const reader = await openLogReader(kafkaClient);
  try {
    await reader.topicExists('tickets');
  } finally {
    await reader.close();
  }
}

/** As the loops do it: what may pass is waited for and tried again. @returns what is thrown for good */
async function refusal(connection: KafkaConnection, logger: Logger): Promise<TicketStreamError> {
  const kafkaClient = connectKafka(connection, logger);
  const { signal } = new AbortController();
  const error = await insist({ logger, signal }, 'reaching the cluster', () => reach(kafkaClient)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isTicketStreamError(error)) throw new Error(`no error of ours: ${String(error)}`);
  return error;
}

describe('a broker that asks for TLS, certificates and logins', () => {
  const ways: readonly (readonly [name: string, connection: () => KafkaConnection])[] = [
    ['TLS', () => ({ brokers: [kafka.doors.tls], tls: { ca } })],
    [
      'TLS and a certificate of its own, the key encrypted',
      () => ({ brokers: [kafka.doors.mutualTls], tls: { ca, ...client, passphrase: KEY_PASSPHRASE } }),
    ],
    ...(['plain', 'scram-sha-256', 'scram-sha-512'] as const).flatMap((mechanism) => [
      [
        `${mechanism} over TLS`,
        () => ({ brokers: [kafka.doors.saslTls], tls: { ca }, sasl: { mechanism, ...login } }),
      ] as const,
      [
        `${mechanism} in clear`,
        () => ({ brokers: [kafka.doors.saslPlaintext], sasl: { mechanism, ...login } }),
      ] as const,
    ]),
  ];
  it.each(ways)('lets a client in by %s', async (_name, connection) => {
    await reach(connectKafka(connection(), silentLogger));
  });
});

interface Refused {
  readonly code: string;
  readonly exitCode: number;
  readonly message: RegExp;
  readonly remedy: RegExp;
}
const untrusted = { code: 'kafka.broker_untrusted', exitCode: 2 };
const refusedLogin = { code: 'kafka.credentials_refused', exitCode: 3 };
const mismatch = { code: 'kafka.protocol_mismatch', exitCode: 2 };

const refusals: readonly (readonly [name: string, connection: () => KafkaConnection, Refused])[] = [
  [
    'no authority that signed the broker',
    () => ({ brokers: [kafka.doors.tls], tls: true }),
    { ...untrusted, message: /not signed by an authority that is trusted/, remedy: /KAFKA_TLS_CA/ },
  ],
  [
    'another authority',
    () => ({ brokers: [kafka.doors.tls], tls: { ca: stranger.ca } }),
    { ...untrusted, message: /not signed by an authority that is trusted/, remedy: /KAFKA_TLS_CA/ },
  ],
  [
    'a certificate that has expired',
    () => ({ brokers: [kafka.doors.expired], tls: { ca } }),
    { ...untrusted, message: /has expired/, remedy: /Renew the broker's certificate/ },
  ],
  [
    'a certificate of another host',
    () => ({ brokers: [kafka.doors.otherName], tls: { ca } }),
    { ...untrusted, message: /another host.*kafka\.other\.example/s, remedy: /KAFKA_BROKERS/ },
  ],
  [
    'TLS at a plaintext port',
    () => ({ brokers: [kafka.doors.plaintext], tls: { ca } }),
    { ...mismatch, message: /speaks plaintext/, remedy: /KAFKA_TLS=false/ },
  ],
  [
    'plaintext at a TLS port',
    () => ({ brokers: [kafka.doors.tls] }),
    { ...mismatch, message: /speaks TLS/, remedy: /KAFKA_TLS=true/ },
  ],
  [
    'a login in plaintext at a TLS port',
    () => ({ brokers: [kafka.doors.saslTls], sasl: { mechanism: 'scram-sha-512', ...login } }),
    { ...mismatch, message: /speaks TLS/, remedy: /KAFKA_TLS=true/ },
  ],
  [
    'no certificate of the client',
    () => ({ brokers: [kafka.doors.mutualTls], tls: { ca } }),
    { ...refusedLogin, message: /wants a certificate of the client/, remedy: /KAFKA_TLS_CERT/ },
  ],
  [
    "a certificate of the client that the broker's authorities did not sign",
    () => ({
      brokers: [kafka.doors.mutualTls],
      tls: { ca, cert: stranger.cert, key: stranger.key },
    }),
    { ...refusedLogin, message: /wants a certificate of the client/, remedy: /KAFKA_TLS_CERT/ },
  ],
  ...(['plain', 'scram-sha-256', 'scram-sha-512'] as const).map(
    (mechanism) =>
      [
        `a wrong password (${mechanism})`,
        () => ({
          brokers: [kafka.doors.saslTls],
          tls: { ca },
          sasl: { mechanism, username: 'ann', password: WRONG_PASSWORD },
        }),
        { ...refusedLogin, message: /refuses the credentials/, remedy: /KAFKA_SASL_PASSWORD/ },
      ] as const,
  ),
  [
    'a user that is not there',
    () => ({
      brokers: [kafka.doors.saslTls],
      tls: { ca },
      sasl: { mechanism: 'scram-sha-512', username: 'nobody', password: PASSWORD },
    }),
    { ...refusedLogin, message: /refuses the credentials/, remedy: /KAFKA_SASL_USERNAME/ },
  ],
  [
    'a way to log in that the broker does not offer',
    () => ({ brokers: [kafka.doors.scramOnly], tls: { ca }, sasl: { mechanism: 'plain', ...login } }),
    { ...mismatch, message: /does not offer this way to log in/, remedy: /sasl\.enabled\.mechanisms/ },
  ],
  [
    'no login where one is wanted, over TLS',
    () => ({ brokers: [kafka.doors.saslTls], tls: { ca } }),
    { ...mismatch, message: /wants a login.*scram-sha-512/s, remedy: /Set KAFKA_SASL_MECHANISM/ },
  ],
  [
    'no login where one is wanted, in clear',
    () => ({ brokers: [kafka.doors.saslPlaintext] }),
    { ...mismatch, message: /wants a login.*scram-sha-512/s, remedy: /Set KAFKA_SASL_MECHANISM/ },
  ],
  [
    'a login where none is taken',
    () => ({ brokers: [kafka.doors.tls], tls: { ca }, sasl: { mechanism: 'plain', ...login } }),
    { ...mismatch, message: /takes no login/, remedy: /leave KAFKA_SASL_\* out/ },
  ],
];

describe('a connection that will never come about ends with what to do', () => {
  it.concurrent.each(refusals)('%s', async (_name, connection, { code, exitCode, message, remedy }) => {
    const lines: string[] = [];
    const error = await refusal(connection(), noting(lines));
    expect({ code: error.code, exitCode: error.exitCode }).toEqual({ code, exitCode });
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(remedy);
    // Whatever kafkajs wrote on the way, and the error with all that is under it.
    const everything = [...lines, ...causesOf(error)].join('\n');
    for (const secret of [PASSWORD, KEY_PASSPHRASE, WRONG_PASSWORD, client.key, stranger.key]) {
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
    }
  });
});

describe('certificates that cannot be used', () => {
  const cases: readonly (readonly [name: string, tls: () => NonNullable<KafkaConnection['tls']>])[] = [
    ['a key without its passphrase', () => ({ ca, ...client })],
    ['a key with a wrong passphrase', () => ({ ca, ...client, passphrase: 'not-this-one' })],
    ['a key of another certificate', () => ({ ca, cert: client.cert, key: stranger.key })],
    ['an authority that is no PEM', () => ({ ca: 'not a certificate' })],
  ];
  it.each(cases)('are refused before anything is sent: %s', (_name, tls) => {
    expect(() => connectKafka({ brokers: ['localhost:1'], tls: tls() }, silentLogger)).toThrow(
      expect.objectContaining({ code: 'config.invalid', exitCode: 2 }),
    );
  });
});

describe('a topic for retries', () => {
  it('that is missing, and may be seen and not made, is named with the command that makes it', async () => {
    const topic = 'tickets.retry.search';
    await kafka.allow('ann', [{ operation: 'Write', resource: 'topic', name: topic, prefixed: false }]);
    const connection: KafkaConnection = {
      brokers: [kafka.doors.saslTls],
      tls: { ca },
      sasl: { mechanism: 'plain', ...login },
    };
    await expect(ensureRetryTopic(connectKafka(connection, silentLogger), topic, 12)).rejects.toMatchObject({
      code: 'kafka.topic_missing',
      message: expect.stringContaining(
        `kafka-topics.sh --bootstrap-server … --create --topic ${topic} --partitions 12 --config cleanup.policy=delete `,
      ),
    });
  });
});

describe('a broker that is only away', () => {
  it('is waited for by every way in: down, and while it comes back', async () => {
    const ways: readonly KafkaConnection[] = [
      { brokers: [kafka.doors.plaintext] },
      { brokers: [kafka.doors.tls], tls: { ca } },
      { brokers: [kafka.doors.mutualTls], tls: { ca, ...client, passphrase: KEY_PASSPHRASE } },
      { brokers: [kafka.doors.saslTls], tls: { ca }, sasl: { mechanism: 'scram-sha-512', ...login } },
      { brokers: [kafka.doors.saslPlaintext], sasl: { mechanism: 'plain', ...login } },
    ];
    const over = new AbortController();
    const outcomes = new Set<string>();
    const knocking = ways.map(async (way) => {
      while (!over.signal.aborted) {
        outcomes.add(
          await reach(connectKafka(way, silentLogger)).then(
            () => 'in',
            (error: TicketStreamError) => error.code,
          ),
        );
      }
    });
    await expect.poll(() => [...outcomes]).toContain('in');
    await kafka.kill();
    await expect.poll(() => [...outcomes]).toContain('kafka.unavailable');
    await kafka.restart();
    outcomes.delete('in');
    await expect.poll(() => [...outcomes]).toContain('in');
    over.abort();
    await Promise.all(knocking);
    expect(outcomes).toEqual(new Set(['in', 'kafka.unavailable']));
  }, 120_000);
});

function noting(lines: string[]): Logger {
  const note = (context: object, message: string) => {
    // An error in it is `{}` to JSON.stringify.
    lines.push(message, JSON.stringify(context), ...Object.values(context).flatMap(causesOf));
  };
  return { debug: note, info: note, warn: note, error: note };
}

function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { cause, ...own } = error as Error & { context?: unknown };
  return [error.message, error.stack ?? '', JSON.stringify(own), ...causesOf(cause)];
}
