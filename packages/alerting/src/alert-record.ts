/** What alerting decides and delivers, as it is kept. */
import type { SuppressionReason } from './evaluate.ts';
import type { Severity } from './rules/rule.ts';

export interface AlertRecord {
  readonly alertId: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly ticketId: string;
  readonly versionId: string;
  readonly decidedAtMs: number;
  /** The trace the record was sent in. */
  readonly traceId: string | undefined;
  readonly outcome:
    | {
        readonly kind: 'fired';
        /** The delivery's body, JSON. */
        readonly body: string;
        /** The span that raised it: a delivery, also one after a restart, goes on with its trace. */
        readonly traceparent: string | undefined;
        /** One outbox row each. */
        readonly channels: readonly string[];
      }
    | { readonly kind: 'suppressed'; readonly reason: SuppressionReason };
}

/** A row of the outbox that waits for a channel. */
export interface Delivery {
  readonly seq: number;
  readonly channel: string;
  readonly alertId: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly ticketId: string;
  /** JSON, the same at every attempt. */
  readonly body: string;
  /** Attempts made before this one. */
  readonly attempts: number;
  readonly traceId: string | undefined;
  readonly traceparent: string | undefined;
}

export type DeliveryOutcome =
  | { readonly state: 'delivered'; readonly status: number | undefined }
  | {
      readonly state: 'pending';
      readonly status: number | undefined;
      readonly cause: string;
      readonly nextAttemptAtMs: number;
      /** False: not one of the row's tries. */
      readonly counts: boolean;
    }
  | { readonly state: 'dead'; readonly status: number | undefined; readonly cause: string };

export interface HistoryEntry {
  readonly seq: number;
  readonly alertId: string;
  readonly rule: string;
  readonly severity: string;
  readonly ticketId: string;
  readonly versionId: string;
  readonly outcome: 'fired' | 'suppressed';
  readonly reason: string | undefined;
  readonly decidedAtMs: number;
  readonly traceId: string | undefined;
  readonly deliveries: readonly {
    readonly channel: string;
    readonly state: 'pending' | 'delivered' | 'dead';
    readonly attempts: number;
    readonly lastStatus: number | undefined;
    readonly lastCause: string | undefined;
    readonly nextAttemptAtMs: number | undefined;
    readonly settledAtMs: number | undefined;
  }[];
}

export const historyStates = ['fired', 'suppressed', 'pending', 'delivered', 'dead'] as const;
export type HistoryState = (typeof historyStates)[number];

export interface AlertCounts {
  readonly fired: number;
  readonly suppressed: number;
  /** Outbox rows by state. */
  readonly pending: number;
  readonly delivered: number;
  readonly dead: number;
}
