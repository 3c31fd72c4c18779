import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import type { TicketChange } from '@ticket-stream/ticket';
import { alertBody, alertId, versionId } from './alert.ts';
import type { AlertRecord } from './alert-record.ts';
import type { AlertState } from './alert-state.ts';
import { type Decision, evaluate } from './evaluate.ts';
import type { Logger } from './logger.ts';
import type { Rule } from './rules/rule.ts';

/**
 * The subscriber's effect: asks the rules about each change and saves the document, the decisions and the outbox
 * rows in the step of the store that also moves version and position (promise 3). Synchronous on purpose: the
 * transaction is open while it runs.
 */
export interface RaiseAlertsOptions {
  readonly rules: readonly Rule[];
  readonly state: Pick<AlertState, 'save' | 'firstStartedAtMs' | 'hasCaughtUp'>;
  /** Names of the channels that each fired alert goes out by. */
  readonly channels: readonly string[];
  readonly eventAgeMaxSeconds: number;
  readonly logger: Logger;
  readonly nowMs?: () => number;
}

export interface RaiseAlerts {
  handle(changes: readonly TicketChange[]): void;
  /** Evaluations that failed in this run, by rule; rules without one are absent. */
  failures(): ReadonlyMap<string, number>;
}

const tracer = trace.getTracer('@ticket-stream/alerting');

export function raiseAlerts(options: RaiseAlertsOptions): RaiseAlerts {
  const { rules, state, channels, logger, nowMs = Date.now } = options;
  const failureCounts = new Map<string, number>();

  function handleChange(change: TicketChange): void {
    const { changed, decisions, failures } = evaluate(rules, change, {
      firstStartedAtMs: state.firstStartedAtMs,
      hasCaughtUp: state.hasCaughtUp,
      eventAgeMaxSeconds: options.eventAgeMaxSeconds,
    });
    for (const { rule, message, offset } of failures) {
      const count = (failureCounts.get(rule.name) ?? 0) + 1;
      failureCounts.set(rule.name, count);
      // Once a rule and run: a rule that fails on every ticket would drown the log.
      if (count === 1) {
        logger.warn(
          { rule: rule.name, ticketId: change.ticketId, cause: message, offset },
          'a rule could not be asked about a ticket; further failures of it are only counted',
        );
      }
    }
    const fires = decisions.some(({ outcome }) => outcome === 'fired');
    if (!fires) {
      state.save(
        change,
        decisions.map((decision) => alertOf(decision, change, changed)),
      );
      return;
    }
    inSpan(change, (traceparent) =>
      state.save(
        change,
        decisions.map((decision) => alertOf(decision, change, changed, traceparent)),
      ),
    );
  }

  function alertOf(
    decision: Decision,
    change: TicketChange,
    changed: readonly string[],
    traceparent?: string,
  ): AlertRecord {
    const { rule } = decision;
    return {
      alertId: alertId(rule.name, change),
      rule: rule.name,
      severity: rule.severity,
      ticketId: change.ticketId,
      versionId: versionId(change),
      decidedAtMs: nowMs(),
      traceId: change.traceId,
      outcome:
        decision.outcome === 'suppressed'
          ? { kind: 'suppressed', reason: decision.reason }
          : { kind: 'fired', body: JSON.stringify(alertBody(rule, change, changed)), traceparent, channels },
    };
  }

  return {
    handle(changes) {
      for (const change of changes) handleChange(change);
    },
    failures: () => failureCounts,
  };
}

/** Only for changes that fire: a span a ticket would be most of what is exported. */
function inSpan(change: TicketChange, work: (traceparent: string | undefined) => void): void {
  const { place } = change.version;
  const attributes = {
    'messaging.system.name': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.partition.id': String(place.partition),
    'kafka.offset': Number(place.offset),
    'ticket_stream.record.trace_id': change.traceId,
  };
  tracer.startActiveSpan('process ticket', { kind: SpanKind.CONSUMER, attributes }, (span) => {
    const carrier: Record<string, string> = {};
    propagation.inject(context.active(), carrier);
    try {
      work(carrier['traceparent']);
    } finally {
      span.end();
    }
  });
}
