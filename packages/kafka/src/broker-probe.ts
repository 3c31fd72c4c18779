import net from 'node:net';
import tls from 'node:tls';
import { wireRefusal } from './wire-errors.ts';

/** How to speak to a door: `tls` undefined is in clear. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly tls: tls.ConnectionOptions | undefined;
}

const PROBE_MS_MAX = 3_000;
/** A refused mechanism makes a broker name those it offers, and says nothing about anybody's password. */
const NO_MECHANISM = 'NONE-ASKS-WHICH';

/**
 * What a broker says to a client that asks for a login: the mechanisms it offers, none where it wants no login.
 * Undefined where nobody answers in Kafka's protocol this way, for whatever reason.
 */
export async function askForLogins(door: Door): Promise<readonly string[] | undefined> {
  const { promise, resolve } = Promise.withResolvers<readonly string[] | undefined>();
  const socket = connectTo(door, () => socket.write(saslHandshakeRequest()));
  let received = Buffer.alloc(0);
  const give = (answer?: readonly string[]) => {
    socket.destroy();
    resolve(answer);
  };
  socket.unref();
  socket.setTimeout(PROBE_MS_MAX, () => give());
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    const answer = readSaslHandshake(received);
    if (answer !== 'incomplete') give(answer);
  });
  socket.on('error', () => give());
  socket.on('close', () => give());
  return promise;
}

/** Whether somebody speaks TLS there: a certificate that is refused, theirs or ours, proves it as well as any other. */
export async function speaksTls({ host, port }: Pick<Door, 'host' | 'port'>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const give = (answer: boolean) => {
    socket.destroy();
    resolve(answer);
  };
  const socket = tls.connect({ host, port, ...serverName(host) }, () => give(true));
  socket.unref();
  socket.setTimeout(PROBE_MS_MAX, () => give(false));
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    const refusal = wireRefusal(code)?.code;
    give(refusal === 'kafka.broker_untrusted' || refusal === 'kafka.credentials_refused');
  });
  return promise;
}

export function connectTo({ host, port, tls: options }: Door, onConnect: () => void): net.Socket {
  return options === undefined
    ? net.connect({ host, port }, onConnect)
    : tls.connect({ host, port, ...serverName(host), ...options }, onConnect);
}

/** Names of hosts are sent, so that a proxy in front of many brokers knows which is meant; addresses must not be. */
function serverName(host: string): { readonly servername?: string } {
  return net.isIP(host) === 0 ? { servername: host } : {};
}

const SASL_HANDSHAKE = 17;
const ILLEGAL_SASL_STATE = 34;
const CORRELATION_ID = 7_466_111;

/** https://kafka.apache.org/protocol#The_Messages_SaslHandshake, version 1: the first request a client may make. */
function saslHandshakeRequest(): Buffer {
  const mechanism = Buffer.from(NO_MECHANISM);
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 2 + mechanism.length);
  let at = request.writeInt32BE(request.length - 4, 0);
  at = request.writeInt16BE(SASL_HANDSHAKE, at);
  at = request.writeInt16BE(1, at);
  at = request.writeInt32BE(CORRELATION_ID, at);
  at = request.writeInt16BE(-1, at); // no client id
  at = request.writeInt16BE(mechanism.length, at);
  mechanism.copy(request, at);
  return request;
}

const RESPONSE_BYTES_MAX = 10_000;

/** Length, correlation id, error code, mechanisms; undefined: these bytes are no such answer. */
function readSaslHandshake(bytes: Buffer): readonly string[] | undefined | 'incomplete' {
  if (bytes.length < 8) return 'incomplete';
  const length = bytes.readInt32BE(0);
  if (length < 6 || length > RESPONSE_BYTES_MAX || bytes.readInt32BE(4) !== CORRELATION_ID) return undefined;
  if (bytes.length < 4 + length) return 'incomplete';
  try {
    if (bytes.readInt16BE(8) === ILLEGAL_SASL_STATE) return [];
    const mechanisms: string[] = [];
    for (let left = bytes.readInt32BE(10), at = 14; left > 0; left--) {
      const end = at + 2 + bytes.readInt16BE(at);
      mechanisms.push(bytes.toString('utf8', at + 2, end));
      at = end;
    }
    return mechanisms;
  } catch {
    return undefined; // shorter than it says
  }
}
