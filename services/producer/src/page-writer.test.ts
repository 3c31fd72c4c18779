import type { PagePublisher, PageTransaction } from '@ticket-stream/kafka';
import { embedSideloads } from '@ticket-stream/ticket';
import { BoundaryFilter, type ExportState, startState } from '@ticket-stream/zendesk-export';
import { describe, expect, it } from 'vitest';
import { createPageWriter, type PageSlice } from './page-writer.ts';

const START = 1_700_000_000;
const bytes = Buffer.from(`{"id":1,"generated_timestamp":${START}}`);
const embedded = Buffer.from('{"users":[{"id":7}]}');
const whole = embedSideloads(bytes, embedded);
const slice: PageSlice = { kind: 'ticket', bytes, parsed: JSON.parse(bytes.toString()), embedded };

/** @returns what was published of a ticket with sideloads, by a producer whose topic takes tickets of that size */
async function publishedWithin(ticketBytesMax: number): Promise<Buffer[]> {
  const values: Buffer[] = [];
  const page: Partial<PageTransaction<ExportState>> = {
    publish: async (_event, value) => void values.push(value),
  };
  const publisher: Partial<PagePublisher<ExportState>> = {
    ticketBytesMax,
    beginPage: async () => page as PageTransaction<ExportState>,
  };
  const writer = createPageWriter({
    publisher: publisher as PagePublisher<ExportState>,
    boundary: new BoundaryFilter(startState(START).boundary),
    ...{ source: 'test:page-writer', startTime: START },
  });
  await writer.take(slice);
  return values;
}

describe('a ticket with sideloads', () => {
  it('goes with them up to the size limit of its topic', async () => {
    expect(await publishedWithin(whole.byteLength)).toEqual([whole]);
  });

  it('goes without them where they would make it larger than that', async () => {
    expect(await publishedWithin(whole.byteLength - 1)).toEqual([bytes]);
  });
});
