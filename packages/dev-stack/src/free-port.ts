import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below every usual ephemeral range (Linux from 32768, macOS from 49152). A port of that range can be given to an
 * outgoing connection while the broker is down, and a client that knocks at it on loopback can even connect to itself.
 */
const lowestPort = 20_000;
const highestPort = 32_000;

/** @returns a port on 127.0.0.1 that nothing listened on a moment ago and that is not one of `except` */
export async function freePort(except: readonly number[] = []): Promise<number> {
  for (;;) {
    const port = randomInt(lowestPort, highestPort);
    if (!except.includes(port) && (await isPortFree(port))) return port;
  }
}

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
