/** The way of a page's bytes onto the wire, compressed or not: as fast as the reader takes them, no faster. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';

/** Takes bytes and waits until they have left; the buffer may then be used again. */
export interface BodySink {
  /** @throws whatever ended the connection before the page's end */
  send(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

export function bodySink(response: ServerResponse, gzip: boolean): BodySink {
  return gzip ? gzipSink(response) : plainSink(response);
}

function plainSink(response: ServerResponse): BodySink {
  const closed = once(response, 'close').then(() => {
    if (!response.writableFinished) throw new Error('the connection ended before the page did');
  });
  // Looked at by whoever waits; a page that is finished has nobody waiting.
  closed.catch(() => {});
  return {
    send: (bytes) => Promise.race([written(response, bytes), closed]),
    async end() {
      response.end();
      await closed;
    },
  };
}

function gzipSink(response: ServerResponse): BodySink {
  // Level 1: a page is compressed at 150 MB/s instead of 50, for a body a tenth larger.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const piped = pipeline(gzip, response);
  piped.catch(() => {});
  return {
    send: (bytes) => Promise.race([written(gzip, bytes), piped]),
    async end() {
      gzip.end();
      await piped;
    },
  };
}

function written(out: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
