import type { KafkaConfig } from 'kafkajs';
import plain from 'kafkajs/src/broker/saslAuthenticator/plain.js';
import scramSha256 from 'kafkajs/src/broker/saslAuthenticator/scram256.js';
import scramSha512 from 'kafkajs/src/broker/saslAuthenticator/scram512.js';

export interface SaslCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

const mechanisms = { plain, 'scram-sha-256': scramSha256, 'scram-sha-512': scramSha512 };

/**
 * kafkajs's own logins, which make of every failure a refused password, keeping its text alone: a broker that goes
 * down in the middle of a login would end a service for wrong credentials. Here the failure stays as the cause.
 */
export function saslLogin({
  mechanism,
  username,
  password,
}: SaslCredentials): NonNullable<KafkaConfig['sasl']> {
  return {
    mechanism,
    // Not kafkajs's to read: for errors that name who is not allowed something.
    ...{ username },
    authenticationProvider: (connection) => {
      let failure: unknown;
      const login = mechanisms[mechanism]({ username, password })({
        ...connection,
        async saslAuthenticate(exchange) {
          try {
            return await connection.saslAuthenticate(exchange);
          } catch (error) {
            failure = error;
            throw error;
          }
        },
      });
      return {
        async authenticate() {
          try {
            await login.authenticate();
          } catch (error) {
            if (error instanceof Error && failure !== undefined) error.cause = failure;
            throw error;
          }
        },
      };
    },
  };
}
