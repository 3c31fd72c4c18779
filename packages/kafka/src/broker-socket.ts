/**
 * The connections to brokers. A broker that is spoken to in the wrong way says nothing, it hangs up: a TLS client at a
 * plain door, a plain client at a TLS door, a client without a login where one is wanted. To a client this looks like
 * a broker that is being restarted, and waiting for it would never end.
 *
 * So when a broker hangs up, it is asked by a connection of its own which way it wants. Only a positive answer to
 * another way than ours counts: the next attempt then fails by that name. A broker that is down, or on its way up or
 * down, answers nothing, and is waited for.
 */
import net, { type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { askForLogins, connectTo, type Door, speaksTls } from './broker-probe.ts';
import { DOOR_IS_PLAINTEXT, DOOR_SPEAKS_TLS, DOOR_WANTS_LOGIN } from './wire-errors.ts';

/** As kafkajs has it by itself. */
const KEEP_ALIVE_MS = 60_000;
/** Longer than the attempts that kafkajs makes in a row: whoever waits for them hears of it. Then it is asked anew. */
const BELIEVED_MS = 10_000;
/** A TLS alert has 7 bytes; the shortest answer of a broker to the first request has more than 100. */
const ALERT_BYTES = 7;

class WrongDoor extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** @param login  whether the client logs in */
export function brokerSockets(login: boolean): ISocketFactory {
  const found = new Map<string, { readonly why: WrongDoor; readonly atMs: number }>();
  const asking = new Set<string>();

  return ({ host, port, ssl, onConnect }) => {
    const address = `${host}:${port}`;
    const wrong = found.get(address);
    if (wrong !== undefined && performance.now() - wrong.atMs < BELIEVED_MS) {
      const socket = new net.Socket();
      process.nextTick(() => socket.destroy(wrong.why));
      return socket;
    }
    const door: Door = { host, port, tls: (ssl as ConnectionOptions | null | undefined) ?? undefined };
    let connected = false;
    const socket = connectTo(door, () => {
      connected = true;
      onConnect();
    });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const hungUp = () => {
      if (socket.writableEnded || asking.has(address)) return;
      asking.add(address);
      void askWhy(door, { login, connected, answered: socket.bytesRead > ALERT_BYTES })
        .then(
          (why) => {
            if (why !== undefined) found.set(address, { why, atMs: performance.now() });
          },
          () => {}, // who cannot be asked is away
        )
        .finally(() => asking.delete(address));
    };
    socket.once('end', hungUp);
    onceFailed(socket, (code) => {
      if (code === 'ECONNRESET') hungUp();
    });
    return socket;
  };
}

function onceFailed(socket: Socket, told: (code: string | undefined) => void): void {
  socket.once('error', (error: NodeJS.ErrnoException) => told(error.code));
}

async function askWhy(
  door: Door,
  was: { readonly login: boolean; readonly connected: boolean; readonly answered: boolean },
): Promise<WrongDoor | undefined> {
  if (door.tls !== undefined && !was.connected) {
    return (await askForLogins({ ...door, tls: undefined })) === undefined
      ? undefined
      : new WrongDoor(DOOR_IS_PLAINTEXT, 'the broker speaks plaintext there, not TLS');
  }
  if (door.tls === undefined && !was.answered && (await speaksTls(door))) {
    return new WrongDoor(DOOR_SPEAKS_TLS, 'the broker speaks TLS there');
  }
  if (was.login) return undefined;
  const logins = await askForLogins(door);
  return logins === undefined || logins.length === 0
    ? undefined
    : new WrongDoor(
        DOOR_WANTS_LOGIN,
        `the broker wants a login there: ${logins.join(', ').toLowerCase() || 'no mechanism'}`,
      );
}
