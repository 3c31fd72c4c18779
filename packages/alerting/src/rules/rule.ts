import type { Condition } from '@ticket-stream/condition';

export const severities = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof severities)[number];

export interface Rule {
  /** Unique in its file; part of every delivery id, so a renamed rule is a new rule. */
  readonly name: string;
  readonly severity: Severity;
  /** One sentence for the person who is alerted; undefined where the file gives none. */
  readonly summary: string | undefined;
  readonly condition: Condition;
}
