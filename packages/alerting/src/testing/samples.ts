import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyBooks, type StoreStep } from '@ticket-stream/subscriber';
import { type Ticket, type TicketChange, ticketChange, ticketDigest } from '@ticket-stream/ticket';
import type { Logger } from '../logger.ts';
import type { Rule } from '../rules/rule.ts';
import { parseRuleFile } from '../rules/rule-file.ts';

export const LOG_ID = '11111111-2222-4333-8444-555555555555';
/** The store's first start in these samples: 2026-11-01T12:00:00Z. */
export const START_SECOND = 1_793_534_400;

export interface SampleChange {
  readonly id?: number;
  readonly ticket?: Partial<Ticket>;
  readonly previous?: Ticket | undefined;
  /** Seconds after the store's first start. */
  readonly stampAfter?: number;
  readonly publishedAfter?: number;
  readonly createdAfter?: number;
  readonly offset?: bigint;
  readonly kind?: TicketChange['kind'];
}

/** A change of an open ticket, created a day before the start, published as it happened, 10 s after the start. */
export function sampleChange(sample: SampleChange = {}): TicketChange {
  const { id = 7, stampAfter = 10, createdAfter = -86_400, offset = 0n, kind = 'changed' } = sample;
  const ticket: Ticket = {
    id,
    status: kind === 'deleted' ? 'deleted' : 'open',
    priority: 'normal',
    subject: 'The blue kettle leaks',
    created_at: rfc3339(createdAfter),
    updated_at: rfc3339(stampAfter),
    generated_timestamp: START_SECOND + stampAfter,
    ...sample.ticket,
  };
  const value = Buffer.from(JSON.stringify(ticket));
  return ticketChange({
    ticketId: String(id),
    kind,
    ticket,
    value,
    previous: sample.previous,
    version: {
      stamp: START_SECOND + stampAfter,
      digest: ticketDigest(value),
      place: { logId: LOG_ID, partition: 0, offset },
    },
    source: 'https://acme.zendesk.com',
    publishedAtMs: (START_SECOND + (sample.publishedAfter ?? stampAfter)) * 1000,
    traceId: '0af7651916cd43dd8448eb211c80319c',
  });
}

export function rfc3339(secondsAfterStart: number): string {
  return new Date((START_SECOND + secondsAfterStart) * 1000).toISOString().replace('.000', '');
}

export function rulesOf(conditions: Record<string, string>): readonly Rule[] {
  const lines = Object.entries(conditions).map(
    ([name, when]) => `  - { name: ${JSON.stringify(name)}, when: ${JSON.stringify(when)} }`,
  );
  const { rules, problems } = parseRuleFile(`version: 1\nrules:\n${lines.join('\n')}\n`);
  if (rules === undefined) throw new Error(JSON.stringify(problems));
  return rules;
}

/** The step that the subscriber makes of a batch. */
export function stepOf(changes: readonly TicketChange[], nextOffset = 1n): StoreStep {
  return {
    versions: new Map(changes.map((change) => [change.ticketId, change.version])),
    positions: [{ partition: 0, logId: LOG_ID, nextOffset }],
    books: { ...emptyBooks, consumed: changes.length, applied: changes.length },
  };
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'alerting-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export function recordingLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (fields: object, message: string): void => {
      lines.push({ level, message, fields: { ...fields } });
    };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
