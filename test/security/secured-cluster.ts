import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SecureKafka, secureKafka } from '@ticket-stream/dev-stack/testing';
import { connectKafka, silentLogger } from '@ticket-stream/kafka';

export const PASSWORD = 'a-password-that-no-log-may-show';

export interface SecuredCluster extends AsyncDisposable {
  readonly kafka: SecureKafka;
  /** A client that may do everything. */
  readonly superUser: ReturnType<typeof connectKafka>;
  /** For data of services; gone with the cluster. */
  readonly folder: string;
  /** The options of a service that logs in as this user. */
  options(user: string): Record<string, string>;
}

/** A broker with TLS, SCRAM, no right for anybody, and users without any. */
export async function securedCluster(users: readonly string[]): Promise<SecuredCluster> {
  const kafka = await secureKafka({ users: Object.fromEntries(users.map((user) => [user, PASSWORD])) });
  const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-security-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, kafka.authority.certificate);
  return {
    kafka,
    superUser: connectKafka({ brokers: [kafka.doors.plaintext] }, silentLogger),
    folder,
    options: (user) => ({
      KAFKA_BROKERS: kafka.doors.saslTls,
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA: ca,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: PASSWORD,
    }),
    async [Symbol.asyncDispose]() {
      await kafka.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
