import kafkajs from 'kafkajs';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import { expect, it } from 'vitest';
import { asKafkaError } from './kafka-errors.ts';
import { saslLogin } from './sasl-login.ts';

const SASL_AUTHENTICATION_FAILED = 58;
const logger = { info() {}, error() {}, warn() {}, debug() {} } as never;

/** What becomes of a login whose every exchange with the broker ends so. */
async function loggingIn(mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', ending: Error) {
  const { authenticationProvider } = saslLogin({ mechanism, username: 'ann', password: 'a-secret' }) as {
    authenticationProvider: (connection: object) => { authenticate(): Promise<void> };
  };
  const login = authenticationProvider({
    ...{ host: 'localhost', port: 9092, logger },
    saslAuthenticate: () => Promise.reject(ending),
  });
  return login.authenticate().catch((error: unknown) => asKafkaError(error, 'logging in').code);
}

it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
  '%s: a broker that goes away in the middle of a login refuses nothing; a wrong password is refused',
  async (mechanism) => {
    const gone = new kafkajs.KafkaJSConnectionError('Connection closed by broker', {
      broker: 'localhost:9092',
    });
    expect(await loggingIn(mechanism, gone)).toBe('kafka.unavailable');
    const refused = protocolErrors.createErrorFromCode(SASL_AUTHENTICATION_FAILED);
    expect(await loggingIn(mechanism, refused)).toBe('kafka.credentials_refused');
  },
);
