import type { Delivery } from '../alert-record.ts';

export type ChannelAnswer =
  | { readonly kind: 'accepted'; readonly status: number | undefined }
  /** Not taken this time, for whatever reason. */
  | {
      readonly kind: 'refused';
      readonly status: number | undefined;
      /** In words for the operator, without secrets or the receiver's text. */
      readonly cause: string;
      /** What the receiver asked for; undefined where it asked for nothing. */
      readonly retryAfterMs: number | undefined;
    }
  /** The receiver wants nothing any more, from now on. */
  | { readonly kind: 'gone'; readonly status: number; readonly cause: string };

/**
 * Port: one way by which alerts leave. A channel makes one attempt and says what came of it. It does *not* retry,
 * remember, order or throttle: the outbox does. It passes `alertId` on, so that a receiver can tell a repeat.
 */
export interface Channel {
  /** Stands in the outbox: it stays the same for as long as rows wait for it. */
  readonly name: string;
  /**
   * Never rejects for what a receiver does, only where `signal` ends it: then nobody knows what the receiver got,
   * and the row stays as it was.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<ChannelAnswer>;
  close(): Promise<void>;
}
