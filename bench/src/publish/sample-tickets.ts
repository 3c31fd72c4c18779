import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ticketId } from '@ticket-stream/ticket';
import { createExportClient, streamPage } from '@ticket-stream/zendesk-export';
import { DEFAULT_EMAIL, DEFAULT_TOKEN, startSimulator } from '@ticket-stream/zendesk-simulator';

/** A ticket in three pieces, so that copies of it can have ids of their own. */
export interface SampleTicket {
  readonly head: string;
  readonly id: number;
  readonly tail: string;
}

/** As many tickets of the simulator as a page holds, about 4 KB each. */
export async function sampleTickets(): Promise<SampleTicket[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-bench-'));
  const simulator = await startSimulator({
    dataDir,
    tickets: 2_000,
    seed: 1,
    frozen: true,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    liveChangesPerMinute: 0,
  });
  const client = createExportClient({
    url: simulator.url,
    credentials: { email: DEFAULT_EMAIL, apiToken: DEFAULT_TOKEN },
  });
  try {
    const page = await client.openPage({ next: { mode: 'time', startTime: 1 }, perPage: 1_000 });
    const samples: SampleTicket[] = [];
    const limits = { ticketBytesMax: 1e7, pageBytesMax: 1e9, depthMax: 512 };
    for await (const slices of streamPage(page.body, limits, 'time')) {
      for (const slice of slices) {
        if (slice.kind === 'ticket') samples.push(inPieces(slice.bytes, slice.parsed));
      }
    }
    return samples;
  } finally {
    await client.close();
    await simulator.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function inPieces(bytes: Buffer, parsed: Parameters<typeof ticketId>[1]): SampleTicket {
  const text = bytes.toString('utf8');
  const id = ticketId(bytes, parsed);
  const at = text.indexOf(`"id":${id},`);
  if (id === undefined || at < 0) throw new Error('a sample ticket without an id');
  const start = at + '"id":'.length;
  return { head: text.slice(0, start), id: Number(id), tail: text.slice(start + id.length) };
}
