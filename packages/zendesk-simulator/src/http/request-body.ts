import type { IncomingMessage } from 'node:http';

/**
 * Reads to the end also what is too long, and throws it away: a connection with an unread rest is of no use for the
 * answer, nor for the next request.
 * @returns undefined for a body above the limit
 */
export async function readText(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
  }
  return bytes > bytesMax ? undefined : Buffer.concat(chunks).toString('utf8');
}
