import type { SearchAnswer, SearchHit, StoredTicket } from '@ticket-stream/search';

/**
 * Answers as bytes: the ticket's JSON is put in as it is stored, byte for byte. Parsing and writing it again would
 * round the numbers beyond 2^53 that custom fields hold, and cost more than the search.
 *
 * Ids and offsets are written as the numbers they are, all their digits; JSON sets no limit to a number.
 */
export function searchAnswerJson({ total, hits, next }: SearchAnswer): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"total":${total},"hits":[`)];
  hits.forEach((hit, at) => {
    parts.push(Buffer.from(`${at === 0 ? '' : ','}${hitHead(hit)}"ticket":`), hit.value, CLOSE);
  });
  parts.push(Buffer.from(`],"next":${JSON.stringify(next ?? null)}}`));
  return Buffer.concat(parts);
}

const CLOSE = Buffer.from('}');

function hitHead(hit: SearchHit): string {
  const score = hit.score === undefined ? 'null' : String(hit.score);
  return `{"id":${hit.ticketId},"updated_stamp":"${stamp(hit)}","deleted":${hit.deleted},"score":${score},`;
}

export function storedTicketJson(ticket: StoredTicket): Buffer {
  const { digest, place } = ticket.version;
  const head =
    `{"id":${ticket.ticketId},"deleted":${ticket.deleted},` +
    `"version":{"updated_stamp":"${stamp(ticket)}","digest":${JSON.stringify(digest)}},` +
    `"position":{"log_id":${JSON.stringify(place.logId)},"partition":${place.partition},"offset":${place.offset}},` +
    `"trace_id":${JSON.stringify(ticket.traceId ?? null)},"ticket":`;
  return Buffer.concat([Buffer.from(head), ticket.value, CLOSE]);
}

function stamp({ version }: StoredTicket): string {
  return `${new Date(version.stamp * 1000).toISOString().slice(0, 19)}Z`;
}
