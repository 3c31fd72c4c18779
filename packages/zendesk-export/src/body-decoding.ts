import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { failureContext } from './failure-code.ts';

/** undici's `request` leaves the encoding to its caller. 64 KiB, as sockets read: fewer and larger pieces than zlib's 16. */
const CHUNK_BYTES = 65_536;
const decoders = {
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  'x-gzip': () => createGunzip({ chunkSize: CHUNK_BYTES }),
  deflate: () => createInflate({ chunkSize: CHUNK_BYTES }),
  br: () => createBrotliDecompress({ chunkSize: CHUNK_BYTES }),
} as const;

/**
 * The body of a response, decoded, its failures named.
 * @param settled  called once, when the body is over: with nothing at its end or when the reader stopped, else with
 *                 what the reader was thrown
 * @throws zendesk.page_truncated  cut, by its framing or inside its compression
 * @throws zendesk.page_malformed  an encoding nobody asked for, or damaged
 * @throws zendesk.unavailable     stood still for longer than the body's time-out
 * @throws the signal's reason     when aborted
 */
export async function* decodeBody(
  body: Readable,
  encoding: string | undefined,
  signal: AbortSignal | undefined,
  settled: (error?: unknown) => void = () => {},
): AsyncGenerator<Buffer, void> {
  const failed: { error?: unknown } = {};
  try {
    const decoded = decodedStream(body, encoding);
    try {
      for await (const chunk of decoded) yield chunk as Buffer;
    } finally {
      // The reader may have stopped in the middle: what is left goes with the connection.
      decoded.destroy();
      body.destroy();
    }
  } catch (error) {
    failed.error = signal?.aborted === true ? signal.reason : bodyFailure(error);
    throw failed.error;
  } finally {
    settled(failed.error);
  }
}

function decodedStream(body: Readable, encoding: string | undefined): Readable {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return body;
  if (!Object.hasOwn(decoders, name)) {
    body.on('error', () => {});
    body.destroy();
    throw new TicketStreamError(
      'zendesk.page_malformed',
      'the answer has an encoding that was not asked for',
      {
        context: { contentEncoding: name.slice(0, 40) },
      },
    );
  }
  const decoder = decoders[name as keyof typeof decoders]();
  // An error of the body ends the decoder with the same error, and the reader of the decoder gets it.
  pipeline(body, decoder, () => {});
  return decoder;
}

function bodyFailure(error: unknown): TicketStreamError {
  if (isTicketStreamError(error)) return error;
  const context = failureContext(error);
  if (context.reason === 'UND_ERR_BODY_TIMEOUT') {
    return new TicketStreamError('zendesk.unavailable', 'the page stood still in the middle', { context });
  }
  if (DAMAGED.test(context.reason)) {
    return new TicketStreamError('zendesk.page_malformed', "the page's compression is damaged", { context });
  }
  // A socket that closed, a length not reached, a compressed stream without its end.
  return new TicketStreamError('zendesk.page_truncated', 'the page was cut on the way', { context });
}

/** zlib's and brotli's codes for bytes that are none of theirs; an early end is Z_BUF_ERROR in both. */
const DAMAGED = /^(Z_(DATA|STREAM)_ERROR$|ERR_+(BROTLI_DECODER_ERROR|ERROR)_FORMAT|ERR_PADDING)/;
