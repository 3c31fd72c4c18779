/**
 * One way of reading one page, in a process of its own: `node page-stream-run.ts <way> <megabytes>` prints one JSON line.
 *
 * The page comes in 64 KiB chunks as sockets deliver them, tickets of about 4 KB, control fields last. The modules are
 * imported one by one, not by the package's index: that would count the HTTP client, which parses nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

export interface RunFigures {
  readonly tickets: number;
  readonly seconds: number;
  /** Of this process, its start included. */
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

export const wayNames = ['ours', 'ours-sideloads', 'stream-json', 'stream-json chain', 'JSON.parse'] as const;
export type WayName = (typeof wayNames)[number];

type Way = (body: AsyncIterable<Buffer>) => Promise<number>;

const CHUNK_BYTES = 65_536;
const MB = 1_000_000;
const limits = { ticketBytesMax: 8 * MB, pageBytesMax: 4_000 * MB, depthMax: 512 };

const ways: Readonly<Record<WayName, Way>> = {
  async ours(body) {
    const { streamPage } = await import('../../packages/zendesk-export/src/page-stream.ts');
    let tickets = 0;
    for await (const slices of streamPage(body, limits, 'time')) tickets += slices.length;
    return tickets;
  },
  async 'ours-sideloads'(body) {
    const { streamPageWithSideloads } = await import(
      '../../packages/zendesk-export/src/sideloads/sideload-stream.ts'
    );
    const spillDir = mkdtempSync(join(tmpdir(), 'ticket-stream-bench-'));
    let tickets = 0;
    try {
      const options = { mode: 'time', include: ['users'], spillDir } as const;
      for await (const slices of streamPageWithSideloads(body, limits, options)) {
        for (const { embedded } of slices) if (embedded !== undefined) tickets++;
      }
    } finally {
      rmSync(spillDir, { recursive: true });
    }
    return tickets;
  },
  /** As its README puts it together: a chain, which runs its stages in one stream. */
  async 'stream-json chain'(body) {
    const [{ default: parser }, { default: pick }, { default: streamArray }, { default: chain }] =
      await Promise.all([
        import('stream-json/parser.js'),
        import('stream-json/filters/pick.js'),
        import('stream-json/streamers/stream-array.js'),
        import('stream-chain'),
      ]);
    const elements = chain([Readable.from(body), parser(), pick({ filter: 'tickets' }), streamArray()]);
    let tickets = 0;
    for await (const _ of elements) tickets++;
    return tickets;
  },
  /** A Node stream a stage. */
  async 'stream-json'(body) {
    const [{ default: parser }, { default: pick }, { default: streamArray }] = await Promise.all([
      import('stream-json/parser.js'),
      import('stream-json/filters/pick.js'),
      import('stream-json/streamers/stream-array.js'),
    ]);
    let tickets = 0;
    const elements = Readable.from(body)
      .pipe(parser.asStream())
      .pipe(pick.asStream({ filter: 'tickets' }))
      .pipe(streamArray.asStream());
    for await (const _ of elements) tickets++;
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
  const users = Array.from({ length: 256 }, (_, index) => ({
    id: 6_130_907_993_114 + index,
    name: `Ana ${index}`,
  }));
  const last = `${JSON.stringify(ticket(0))}],"count":1,"end_of_stream":false,"next_page":null,"end_time":1700000000,"users":`;
  yield Buffer.from('{"tickets":[');
  for (let sent = 0; sent < bytes; sent += block.length) {
    // A copy each, as a socket allocates.
    for (let at = 0; at < block.length; at += CHUNK_BYTES)
      yield Buffer.from(block.subarray(at, at + CHUNK_BYTES));
  }
  yield Buffer.from(`${last}${JSON.stringify(users)}}`);
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

const [name, megabytes] = process.argv.slice(2);
if (import.meta.main) {
  const way = wayNames.find((each) => each === name);
  if (way === undefined) throw new Error(`one of: ${wayNames.join(', ')}`);
  const startMs = performance.now();
  const tickets = await ways[way](page(Number(megabytes) * MB));
  const seconds = (performance.now() - startMs) / 1_000;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const figures: RunFigures = {
    tickets,
    seconds,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakRssMb: maxRSS / 1_024,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
