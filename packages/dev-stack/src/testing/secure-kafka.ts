import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrokerListener, BrokerProperties } from '../broker-settings.ts';
import { freePort } from '../free-port.ts';
import { type AccessRight, allow } from './access-rights.ts';
import { type Certificate, type CertificateAuthority, makeAuthority } from './certificates.ts';
import { type OwnKafka, ownKafkaIn } from './kafka-for-tests.ts';
import { makeTestDataDir } from './test-data.ts';

/** The doors of a secure broker, `localhost:port` each. */
interface SecureDoors {
  /** Plain, and whoever comes by it may do everything: for the test itself. */
  readonly plaintext: string;
  readonly tls: string;
  /** Wants a certificate of the authority; the principal is `User:CN=<name>`. */
  readonly mutualTls: string;
  /** Wants a login by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly saslTls: string;
  readonly saslPlaintext: string;
  /** Wants a login by SCRAM-SHA-512, and knows nothing else. */
  readonly scramOnly: string;
  /** Shows a certificate that ended a day ago. */
  readonly expired: string;
  /** Shows a certificate of another host. */
  readonly otherName: string;
}

export interface SecureKafka extends Omit<OwnKafka, 'brokers'> {
  readonly doors: SecureDoors;
  readonly authority: CertificateAuthority;
  /** Adds rights of a user who logs in; in force when it returns. */
  allow(user: string, rights: readonly AccessRight[]): Promise<void>;
  /** One that the broker knows nothing of. */
  otherAuthority(): Promise<CertificateAuthority>;
}

interface SecureKafkaOptions {
  /** Name → password, by SCRAM and by PLAIN. */
  readonly users: Readonly<Record<string, string>>;
  readonly properties?: BrokerProperties;
}

/**
 * A broker as companies have it: TLS, certificates of clients, logins, and rights (StandardAuthorizer) for everybody
 * but those of the plain door. Nothing is allowed that no rule allows.
 */
export async function secureKafka({ users, properties = {} }: SecureKafkaOptions): Promise<SecureKafka> {
  const dataDir = await makeTestDataDir('secure');
  const authority = await makeAuthority('Test authority');
  const here = ['DNS:localhost', 'IP:127.0.0.1'];
  const keystore = async (name: string, { certificate, key }: Certificate) => {
    const file = join(dataDir, `${name}.pem`);
    await writeFile(file, key + certificate, { mode: 0o600 });
    return { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': file };
  };
  const own = await keystore('broker', await authority.issue({ name: 'broker', altNames: here }));
  const old = await keystore('old', await authority.issue({ name: 'old', altNames: here, expired: true }));
  const other = await keystore(
    'other',
    await authority.issue({ name: 'other', altNames: ['DNS:kafka.other.example'] }),
  );
  const truststore = join(dataDir, 'authority.pem');
  await writeFile(truststore, authority.certificate);

  const listeners: BrokerListener[] = [];
  const settings: Record<string, string | number | boolean> = {};
  const door = async (
    name: string,
    protocol: BrokerListener['protocol'],
    of: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const port = await freePort(listeners.map((listener) => listener.port));
    listeners.push({ name, protocol, port, host: 'localhost' });
    for (const [setting, value] of Object.entries(of)) {
      settings[`listener.name.${name.toLowerCase()}.${setting}`] = value;
    }
    return `localhost:${port}`;
  };
  const plainUsers = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`);
  const login = (...mechanisms: readonly string[]) => ({
    'sasl.enabled.mechanisms': mechanisms.join(','),
    ...Object.fromEntries(
      mechanisms.map((mechanism) => [
        `${mechanism.toLowerCase()}.sasl.jaas.config`,
        mechanism === 'PLAIN'
          ? `org.apache.kafka.common.security.plain.PlainLoginModule required${plainUsers.join('')};`
          : 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      ]),
    ),
  });
  const everyLogin = login('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512');
  const mutual = {
    'ssl.client.auth': 'required',
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststore,
  };
  const doors = {
    tls: await door('TLS', 'SSL', own),
    mutualTls: await door('MUTUAL', 'SSL', { ...own, ...mutual }),
    saslTls: await door('LOGINTLS', 'SASL_SSL', { ...own, ...everyLogin }),
    saslPlaintext: await door('LOGIN', 'SASL_PLAINTEXT', everyLogin),
    scramOnly: await door('SCRAM', 'SASL_SSL', { ...own, ...login('SCRAM-SHA-512') }),
    expired: await door('OLD', 'SSL', old),
    otherName: await door('OTHER', 'SSL', other),
  };
  const kafka = await ownKafkaIn(dataDir, {
    kind: 'java',
    listeners,
    scramUsers: Object.entries(users).flatMap(([name, password]) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
        (mechanism) => `${mechanism}=[name=${name},password=${password}]`,
      ),
    ),
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Whoever comes by the plain door: the broker itself, and the test.
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': false,
      ...settings,
      ...properties,
    },
  });
  const authorities = [authority];
  const stop = async () => {
    await kafka.stop();
    await Promise.all(authorities.map((each) => each[Symbol.asyncDispose]()));
  };
  return {
    ...kafka,
    get pid() {
      return kafka.pid;
    },
    doors: { ...doors, plaintext: kafka.brokers },
    authority,
    allow: (user, rights) => allow(kafka.brokers, user, rights),
    async otherAuthority() {
      const other = await makeAuthority('Other authority');
      authorities.push(other);
      return other;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
