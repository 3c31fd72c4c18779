/**
 * How fast a page is read, and in how much memory: ours against stream-json's default pipeline and JSON.parse.
 *
 *   node packages/zendesk-export/src/page-stream.bench.ts            the comparison, on a 100 MB page
 *   node packages/zendesk-export/src/page-stream.bench.ts ours 1000  one way, one size in MB, as JSON
 *
 * Each run is a process of its own (its peak RSS counts, type stripping included), with 64 KiB chunks as sockets
 * deliver them and tickets of about 4 KB. Interleaved, median of three.
 */
import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { streamPage } from './page-stream.ts';

const CHUNK_BYTES = 65_536;
const MB = 1_000_000;

type Way = (body: AsyncIterable<Buffer>) => Promise<number>;

const ways: Readonly<Record<string, Way>> = {
  async ours(body) {
    const pages = streamPage(body, { ticketBytesMax: 8 * MB, pageBytesMax: 4_000 * MB, depthMax: 200 });
    let tickets = 0;
    for await (const slices of pages) tickets += slices.length;
    return tickets;
  },
  async nothing(body) {
    let chunks = 0;
    for await (const _ of body) chunks++;
    return chunks;
  },
  async 'stream-json'(body) {
    const [{ default: parser }, { default: pick }, { default: streamArray }] = await Promise.all([
      import('stream-json/parser.js'),
      import('stream-json/filters/pick.js'),
      import('stream-json/streamers/stream-array.js'),
    ]);
    let tickets = 0;
    const out = Readable.from(body)
      .pipe(parser.asStream())
      .pipe(pick.asStream({ filter: 'tickets' }))
      .pipe(streamArray.asStream());
    for await (const _ of out) tickets++;
    return tickets;
  },
  async 'JSON.parse'(body) {
    const parts: Buffer[] = [];
    for await (const chunk of body) parts.push(chunk);
    const page = JSON.parse(Buffer.concat(parts).toString('utf8')) as { tickets: unknown[] };
    return page.tickets.length;
  },
};

async function* page(bytes: number): AsyncGenerator<Buffer> {
  const tickets = Array.from({ length: 256 }, (_, index) => JSON.stringify(ticket(index)));
  const block = Buffer.from(`${tickets.join(',')},`);
  const last = Buffer.from(
    `${JSON.stringify(ticket(0))}],"count":1,"end_of_stream":false,"next_page":null,"end_time":1700000000}`,
  );
  yield Buffer.from('{"tickets":[');
  for (let sent = 0; sent < bytes; sent += block.length) {
    for (let at = 0; at < block.length; at += CHUNK_BYTES) {
      // A copy each, as a socket allocates.
      yield Buffer.from(block.subarray(at, at + CHUNK_BYTES));
    }
  }
  yield last;
}

function ticket(index: number): object {
  const custom = Array.from({ length: 36 }, (_, field) => ({
    id: 360_000_000_000 + field,
    value: field % 3 === 0 ? `value_${index}_${field}` : null,
  }));
  return {
    url: `https://example.zendesk.com/api/v2/tickets/${index}.json`,
    id: 35_000_000 + index,
    external_id: null,
    via: { channel: 'email', source: { from: { address: 'a@example.org', name: 'Ana' }, to: {}, rel: null } },
    created_at: '2024-02-03T04:05:06Z',
    updated_at: '2024-02-03T04:05:07Z',
    type: 'incident',
    subject: `The printer on floor ${index} says "PC LOAD LETTER"`,
    description: `Good morning,\n\nsince yesterday the printer shows a message.\n${'What does it mean? '.repeat(20)}\nGrüße`,
    priority: 'high',
    status: 'open',
    requester_id: 6_130_907_993_114 + index,
    tags: ['printer', 'floor', 'hardware', 'vip', 'emea'],
    custom_fields: custom,
    fields: custom,
    satisfaction_rating: { score: 'unoffered' },
    followup_ids: [],
    allow_attachments: true,
    generated_timestamp: 1_700_000_000 + index,
  };
}

interface Figures {
  readonly tickets: number;
  readonly seconds: number;
  readonly mbPerSecond: number;
  readonly peakRssMb: number;
}

async function measure(way: Way, megabytes: number): Promise<Figures> {
  const startMs = performance.now();
  const tickets = await way(page(megabytes * MB));
  const seconds = (performance.now() - startMs) / 1_000;
  return {
    tickets,
    seconds,
    mbPerSecond: megabytes / seconds,
    peakRssMb: process.resourceUsage().maxRSS / 1_024,
  };
}

function measureApart(way: string, megabytes: number): Figures {
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), way, String(megabytes)]);
  return JSON.parse(output.toString()) as Figures;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const [wayName, megabytes] = process.argv.slice(2);
if (wayName !== undefined) {
  const way = ways[wayName];
  if (way === undefined) throw new Error(`one of: ${Object.keys(ways).join(', ')}`);
  process.stdout.write(`${JSON.stringify(await measure(way, Number(megabytes ?? 100)))}\n`);
} else {
  const runs = new Map<string, Figures[]>();
  for (let round = 0; round < 3; round++) {
    for (const name of Object.keys(ways)) {
      runs.set(name, [...(runs.get(name) ?? []), measureApart(name, 100)]);
    }
  }
  const base = median((runs.get('stream-json') ?? []).map((figures) => figures.mbPerSecond));
  for (const [name, figures] of runs) {
    const speed = median(figures.map((figure) => figure.mbPerSecond));
    const rss = median(figures.map((figure) => figure.peakRssMb));
    process.stdout.write(
      `${name.padEnd(12)} ${speed.toFixed(1).padStart(6)} MB/s  × ${(speed / base).toFixed(1).padStart(4)}  ${rss.toFixed(0)} MB peak RSS\n`,
    );
  }
  for (const size of [4, 1_000]) {
    const { mbPerSecond, peakRssMb } = measureApart('ours', size);
    process.stdout.write(
      `ours, ${size} MB page: ${mbPerSecond.toFixed(1)} MB/s, ${peakRssMb.toFixed(0)} MB peak RSS\n`,
    );
  }
}
