/**
 * The export, reduced to what a measurement of its reader needs: any number of pages of any size, from memory, in a
 * process of its own. A page is asked for by start_time and ends one second later; the last one ends the stream.
 * Sent to its parent: { url }.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SampleTicket } from './sample-tickets.ts';

/** The first message from the parent. */
export interface PageServerOptions {
  readonly samples: readonly SampleTicket[];
  /** A page repeats the samples so many times, each time with ids of their own. */
  readonly rounds: number;
  /** The start_time of the last page, which ends the stream; the parent knows where it begins. */
  readonly lastSecond: number;
}

const ID_STEP = 10_000_000;

process.once('disconnect', () => process.exit());
const [options] = (await once(process, 'message')) as [PageServerOptions];
const { samples, rounds, lastSecond } = options;
/** Made once, so that a reader does not wait for the server's work. */
const firstRound = ticketsOf(0);

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost');
  void answer(Number(searchParams.get('start_time')), response);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

function ticketsOf(round: number): Buffer {
  const tickets = samples.map(({ head, id, tail }) => `${head}${id + round * ID_STEP}${tail}`);
  return Buffer.from(`${round === 0 ? '' : ','}${tickets.join(',')}`);
}

async function answer(startTime: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"tickets":[');
  for (let round = 0; round < rounds; round++) {
    if (!response.write(round === 0 ? firstRound : ticketsOf(round))) await once(response, 'drain');
  }
  const count = samples.length * rounds;
  const control = { count, end_of_stream: startTime >= lastSecond, end_time: startTime + 1 };
  response.end(`],${JSON.stringify(control).slice(1)}`);
}
