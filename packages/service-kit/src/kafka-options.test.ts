import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaConnection, kafkaOptions } from './kafka-options.ts';
import { defineOptions, effectiveOptions, readOptions, secretValues } from './options.ts';

const table = defineOptions(kafkaOptions);
const PASSPHRASE = 'opens-the-key';
const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-options-'));
const at = (file: string) => join(folder, file);
const files = {
  KAFKA_TLS_CA: at('client.pem'),
  KAFKA_TLS_CERT: at('client.pem'),
  KAFKA_TLS_KEY: at('client.key'),
};

beforeAll(() => {
  writeFileSync(at('openssl.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, {
      cwd: folder,
      stdio: 'pipe',
      env: { PATH: process.env['PATH'], OPENSSL_CONF: at('openssl.cnf') },
    });
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-subj',
    '/CN=client',
  ];
  openssl(...made, '-nodes', '-keyout', 'client.key', '-out', 'client.pem');
  openssl(...made, '-nodes', '-keyout', 'other.key', '-out', 'other.pem');
  openssl('pkcs8', '-topk8', '-in', 'client.key', '-out', 'sealed.key', '-passout', `pass:${PASSPHRASE}`);
  writeFileSync(at('password'), 'from-a-file\n');
  writeFileSync(at('empty'), '\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(env: Readonly<Record<string, string>>): TicketStreamError {
  try {
    readOptions(table, { KAFKA_BROKERS: 'broker:9093', ...env });
  } catch (error) {
    if (isTicketStreamError(error, 'config.invalid')) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the options of the cluster', () => {
  const login = {
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: 'ann',
    KAFKA_SASL_PASSWORD: 'pass-word',
  };

  it('make the connection that packages/kafka takes', () => {
    const connection = (env: Readonly<Record<string, string>>) => kafkaConnection(readOptions(table, env));
    expect(connection({ KAFKA_BROKERS: 'localhost:9092' })).toEqual({
      brokers: ['localhost:9092'],
      tls: false,
    });
    expect(connection({ KAFKA_BROKERS: 'a.example:9092,[::1]:9093', KAFKA_TLS: 'true', ...login })).toEqual({
      brokers: ['a.example:9092', '[::1]:9093'],
      tls: true,
      sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 'pass-word' },
    });
    const mutual = connection({
      KAFKA_BROKERS: 'a.example:9092',
      KAFKA_TLS: 'true',
      ...files,
      KAFKA_TLS_KEY: at('sealed.key'),
      KAFKA_TLS_KEY_PASSPHRASE: PASSPHRASE,
    });
    expect(mutual.tls).toEqual({
      ca: expect.stringContaining('BEGIN CERTIFICATE'),
      cert: expect.stringContaining('BEGIN CERTIFICATE'),
      key: expect.stringContaining('BEGIN ENCRYPTED PRIVATE KEY'),
      passphrase: PASSPHRASE,
    });
  });

  it('take a password from a file, and show it nowhere', () => {
    const { KAFKA_SASL_PASSWORD: _out, ...rest } = login;
    const values = readOptions(table, {
      KAFKA_BROKERS: 'localhost:9092',
      ...rest,
      KAFKA_SASL_PASSWORD_FILE: at('password'),
    });
    expect(values.KAFKA_SASL_PASSWORD).toBe('from-a-file');
    expect(JSON.stringify(effectiveOptions(table, values))).not.toContain('from-a-file');
    expect(secretValues(table, values)).toEqual(['from-a-file']);
  });

  const wrong: readonly (readonly [
    name: string,
    env: () => Readonly<Record<string, string>>,
    options: string,
    text: RegExp,
  ])[] = [
    [
      'a login without its mechanism',
      () => ({ KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: 'pass-word' }),
      'KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD',
      /KAFKA_SASL_MECHANISM is not/,
    ],
    [
      'a mechanism without its login',
      () => ({ KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
      'KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD',
      /is missing/,
    ],
    [
      'a password that would travel in clear',
      () => ({ ...login, KAFKA_SASL_MECHANISM: 'plain' }),
      'KAFKA_SASL_MECHANISM',
      /travel in clear.*KAFKA_ALLOW_CLEARTEXT_PASSWORD=true/s,
    ],
    [
      'certificates without TLS, all named at once',
      () => files,
      'KAFKA_TLS_CA, KAFKA_TLS_CERT, KAFKA_TLS_KEY',
      /KAFKA_TLS is false/,
    ],
    [
      'an authority that is not there',
      () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA: '/nowhere/ca.pem' }),
      'KAFKA_TLS_CA',
      /\/nowhere\/ca\.pem, which can't be read/,
    ],
    [
      'a file that is no certificate',
      () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA: at('password') }),
      'KAFKA_TLS_CA',
      /has no certificate in it/,
    ],
    [
      'a certificate without its key',
      () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CERT: at('client.pem') }),
      'KAFKA_TLS_CERT',
      /KAFKA_TLS_KEY is not/,
    ],
    [
      'a key without its certificate, and a passphrase without a key',
      () => ({ KAFKA_TLS: 'true', KAFKA_TLS_KEY: at('client.key') }),
      'KAFKA_TLS_KEY',
      /KAFKA_TLS_CERT is not/,
    ],
    [
      'a passphrase without a key',
      () => ({ KAFKA_TLS: 'true', KAFKA_TLS_KEY_PASSPHRASE: PASSPHRASE }),
      'KAFKA_TLS_KEY_PASSPHRASE',
      /KAFKA_TLS_KEY is not/,
    ],
    [
      'the key of another certificate',
      () => ({ KAFKA_TLS: 'true', ...files, KAFKA_TLS_KEY: at('other.key') }),
      'KAFKA_TLS_KEY',
      /not the key of the certificate/,
    ],
    [
      'an encrypted key without its passphrase',
      () => ({ KAFKA_TLS: 'true', ...files, KAFKA_TLS_KEY: at('sealed.key') }),
      'KAFKA_TLS_KEY',
      /is encrypted.*KAFKA_TLS_KEY_PASSPHRASE/s,
    ],
    [
      'a passphrase that does not open it',
      () => ({
        KAFKA_TLS: 'true',
        ...files,
        KAFKA_TLS_KEY: at('sealed.key'),
        KAFKA_TLS_KEY_PASSPHRASE: 'guess-work',
      }),
      'KAFKA_TLS_KEY',
      /which KAFKA_TLS_KEY_PASSPHRASE does not open/,
    ],
    [
      'a key file with something else in it',
      () => ({ KAFKA_TLS: 'true', ...files, KAFKA_TLS_KEY: at('password') }),
      'KAFKA_TLS_KEY',
      /has no private key in it/,
    ],
    [
      'a password given twice',
      () => ({ ...login, KAFKA_SASL_PASSWORD_FILE: at('password') }),
      'KAFKA_SASL_PASSWORD',
      /KAFKA_SASL_PASSWORD_FILE as well/,
    ],
    [
      'a file of the password that is not there',
      () => ({
        KAFKA_SASL_MECHANISM: 'scram-sha-256',
        KAFKA_SASL_USERNAME: 'ann',
        KAFKA_SASL_PASSWORD_FILE: at('nowhere'),
      }),
      'KAFKA_SASL_PASSWORD',
      /can't be read/,
    ],
    [
      'a file with nothing in it',
      () => ({
        KAFKA_SASL_MECHANISM: 'scram-sha-256',
        KAFKA_SASL_USERNAME: 'ann',
        KAFKA_SASL_PASSWORD_FILE: at('empty'),
      }),
      'KAFKA_SASL_PASSWORD',
      /has nothing in it/,
    ],
  ];
  it.each(wrong)('refuse %s', (_name, env, options, text) => {
    const error = refusal(env());
    expect(error.context['options']).toBe(options);
    expect(error.message).toMatch(text);
    for (const secret of ['pass-word', 'from-a-file', PASSPHRASE, 'guess-work']) {
      expect(error.message).not.toContain(secret);
    }
  });

  it('send a password in clear to this machine, or where it was allowed by name', () => {
    const plain = { ...login, KAFKA_SASL_MECHANISM: 'plain' };
    const allowed = { ...plain, KAFKA_ALLOW_CLEARTEXT_PASSWORD: 'true' };
    expect(readOptions(table, { KAFKA_BROKERS: 'localhost:9092', ...plain }).KAFKA_SASL_MECHANISM).toBe(
      'plain',
    );
    expect(readOptions(table, { KAFKA_BROKERS: 'broker:9092', ...allowed }).KAFKA_SASL_MECHANISM).toBe(
      'plain',
    );
  });
});
