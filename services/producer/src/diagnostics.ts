/**
 * What the producer tells whoever subscribes from outside (node:diagnostics_channel), synchronously and at no cost
 * where nobody does: traces, measurements, and the crash campaign, which kills the process at these very points.
 * The log's own channels are in packages/kafka.
 */
import { channel } from 'node:diagnostics_channel';

/** `{ startTime, perPage }`: the head of a page's response came; nothing of its body was read. */
export const pageFetched = channel('ticket-stream:page:fetched');
/** `{ tickets }`: so many tickets of the page were parsed and handed to the publisher; comes several times a page. */
export const pageParsing = channel('ticket-stream:page:parsing');
/** `{ ticketId }`: a ticket that was asked for again is here whole; nothing of it was written. */
export const letterFetched = channel('ticket-stream:letter:fetched');
