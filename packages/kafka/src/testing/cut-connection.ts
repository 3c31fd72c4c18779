import { once } from 'node:events';
import { connect } from 'node:net';
import kafkajs, { type Kafka } from 'kafkajs';
import { clientSettings } from '../kafka-connection.ts';
import { silentLogger } from './test-publisher.ts';

/** Kafka's numbers of requests: https://kafka.apache.org/protocol#protocol_api_keys */
const requests = { produce: 0, offsetCommit: 8, endTxn: 26 } as const;

export interface Cuts {
  /**
   * Cuts the connection at the next requests of this kind, once or as often as it says: before the broker gets one, or
   * when it has answered (the answer is lost).
   */
  at(request: keyof typeof requests, when: 'request' | 'answer', times?: number): void;
  /**
   * Brings the broker the request that was cut off last, as a network does that kept it.
   * @returns the broker's error code of an EndTxn
   */
  deliverLate(): Promise<number>;
  /** How many connections were cut so far. */
  readonly made: number;
}

/** A client of ours whose connections break where the test says. */
export function connectWithCuts(brokers: string): { kafka: Kafka; cuts: Cuts } {
  let planned: { apiKey: number; when: 'request' | 'answer'; left: number } | undefined;
  let made = 0;
  let held: { bytes: Buffer; host: string; port: number } | undefined;
  const kafka = new kafkajs.Kafka({
    ...clientSettings({ brokers: brokers.split(',') }, silentLogger),
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect);
      const write = socket.write.bind(socket);
      // kafkajs writes a request in one piece: length (4 bytes), API key (2), version, correlation id, …
      socket.write = ((bytes: Buffer | string, ...rest: [BufferEncoding]) => {
        const apiKey = Buffer.isBuffer(bytes) ? bytes.readInt16BE(4) : undefined;
        if (planned === undefined || apiKey !== planned.apiKey) return write(bytes, ...rest);
        const { when } = planned;
        if (--planned.left === 0) planned = undefined;
        made++;
        if (when === 'request') {
          held = { bytes: Buffer.from(bytes as Buffer), host, port };
          socket.destroy(cut());
          return false;
        }
        socket.removeAllListeners('data');
        socket.once('data', () => socket.destroy(cut()));
        return write(bytes, ...rest);
      }) as typeof socket.write;
      return socket;
    },
  });
  return {
    kafka,
    cuts: {
      at(request, when, times = 1) {
        planned = { apiKey: requests[request], when, left: times };
      },
      async deliverLate() {
        if (held === undefined) throw new Error('no request was cut off');
        const socket = connect({ host: held.host, port: held.port });
        socket.write(held.bytes);
        const [answer] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        // Length (4 bytes), correlation id (4), throttle time (4), error code.
        return answer.readInt16BE(12);
      },
      get made() {
        return made;
      },
    },
  };
}

/** As the system reports it; a socket closed without an error is noticed only by the request's timeout (15 s). */
const cut = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
