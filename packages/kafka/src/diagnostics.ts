/**
 * Named points on a page's way into Kafka, on `node:diagnostics_channel`: traces, metrics and tests that kill a
 * process at an exact place attach from outside (`--import` a module that subscribes by name), and where nobody
 * listens a point costs a check. Each is published synchronously, at the place its line says: a subscriber that
 * ends the process there ends it before the next request is written.
 */
import { channel } from 'node:diagnostics_channel';

/** What every point carries: the tickets topic, and the sequence of the checkpoint that is to come or was read. */
interface Point {
  readonly topic: string;
  readonly sequence: number;
}

interface SendPoint extends Point {
  readonly records: number;
  /** Values, keys and headers before compression. */
  readonly bytes: number;
}

interface DoubtPoint extends Point {
  readonly error: unknown;
  /** The broker refused this producer's epoch: another producer, or a transaction that it expired. */
  readonly fenced: boolean;
}

export const diagnostics = {
  /** The transactional id is taken and the checkpoint read; the claim's transaction is not begun. */
  claimBefore: point<Point>('ticket-stream:claim:before'),
  /** The claim is committed: the broker has answered. */
  claimAfter: point<Point>('ticket-stream:claim:after'),
  /** A chunk of a page is about to be sent; chunks before it lie in the log, uncommitted. */
  sendStart: point<SendPoint>('ticket-stream:send:start'),
  /** The broker has taken that chunk. */
  sendEnd: point<SendPoint>('ticket-stream:send:end'),
  /** All of a page and its checkpoint lie in the log; EndTxn is not written. */
  commitBefore: point<Point>('ticket-stream:commit:before'),
  /** The broker has answered EndTxn; nobody here has been told yet. */
  commitAfter: point<Point>('ticket-stream:commit:after'),
  /** A step of a transaction failed: nobody knows what came of it until `recovered`. */
  doubt: point<DoubtPoint>('ticket-stream:doubt'),
  /** A new producer has fenced the one in doubt; `sequence` is that of the checkpoint found. */
  recovered: point<Point>('ticket-stream:recovered'),
} as const;

function point<Message extends object>(name: string): { publish(message: Message): void } {
  return channel(name);
}
