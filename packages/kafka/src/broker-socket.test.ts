import { createServer, type Server } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { connectKafka, type KafkaConnection, silentLogger } from './kafka-connection.ts';
import { openLogReader } from './log-reader.ts';

const PASSWORD = 'for-the-broker-alone';
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** Somebody who takes every connection, answers nothing in Kafka's protocol, and hangs up after the first bytes. */
async function stranger() {
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      heard.push(bytes);
      socket.end();
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  return { broker: `127.0.0.1:${port}`, heard };
}

const sasl = { mechanism: 'plain', username: 'ann', password: PASSWORD } as const;
const TLS_HANDSHAKE = 22;
const isTls = (bytes: Buffer) => bytes[0] === TLS_HANDSHAKE;
const asksForLogins = (bytes: Buffer) => bytes.includes('NONE-ASKS-WHICH');
const ways: readonly (readonly [
  name: string,
  settings: Omit<KafkaConnection, 'brokers'>,
  question: (bytes: Buffer) => boolean,
])[] = [
  ['TLS and a login', { tls: true, sasl }, asksForLogins],
  ['TLS', { tls: true }, asksForLogins],
  ['a login in clear', { sasl }, isTls],
  ['plaintext', {}, asksForLogins],
];

it.concurrent.each(ways)(
  'whoever hangs up on %s, and answers nothing else either, is waited for, and told no password',
  async (_name, settings, question) => {
    const { broker, heard } = await stranger();
    const opening = openLogReader(connectKafka({ brokers: [broker], ...settings }, silentLogger));
    await expect(opening).rejects.toMatchObject({ code: 'kafka.unavailable' });
    expect(heard.some(question)).toBe(true);
    expect(heard.some((bytes) => bytes.includes(PASSWORD))).toBe(false);
  },
);
