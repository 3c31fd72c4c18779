import { type ErrorContext, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';

/** What we read of a kafkajs error; it wraps the protocol's error one to three levels deep. */
interface KafkaJsError extends Error {
  readonly type?: string;
  readonly code?: number | string;
  readonly originalError?: Error;
}

function* causes(error: unknown): Generator<KafkaJsError> {
  const seen = new Set<unknown>();
  let current: unknown = error;
  while (current instanceof Error && !seen.has(current)) {
    seen.add(current);
    yield current as KafkaJsError;
    const { cause, originalError } = current as KafkaJsError & { cause?: unknown };
    current = cause ?? originalError;
  }
}

/** The protocol's name of an error, such as INVALID_PRODUCER_EPOCH, found at any depth. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (const { type } of causes(error)) if (type !== undefined) return type;
  return undefined;
}

/**
 * Another producer took the transactional id, or the broker expired our transaction: both arrive as
 * INVALID_PRODUCER_EPOCH (47) with kafkajs's request versions, newer ones say PRODUCER_FENCED (90).
 */
export function isFencing(error: unknown): boolean {
  const type = kafkaErrorType(error);
  return type === 'INVALID_PRODUCER_EPOCH' || type === 'PRODUCER_FENCED';
}

const NOT_ALLOWED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
]);

const DEFECTS = new Set([
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'KafkaJSInvariantViolation',
]);

/** A kafkajs error as one of ours: rights and credentials stop, everything else waits for the cluster. */
export function asKafkaError(error: unknown, doing: string, context: ErrorContext = {}): TicketStreamError {
  if (isTicketStreamError(error)) return error;
  // A mistake in code is not the cluster's state: waiting would hide it for ever.
  for (const { name } of causes(error)) {
    if (DEFECTS.has(name))
      return new TicketStreamError('internal.defect', `${doing}: ${String(error)}`, { cause: error });
  }
  const type = kafkaErrorType(error);
  const message = error instanceof Error ? error.message : String(error);
  for (const { name } of causes(error)) {
    if (name === 'KafkaJSSASLAuthenticationError') {
      return new TicketStreamError('kafka.not_allowed', `${doing}: the cluster refuses the credentials`, {
        cause: error,
        context,
      });
    }
  }
  if (type !== undefined && NOT_ALLOWED.has(type)) {
    return new TicketStreamError('kafka.not_allowed', `${doing}: not allowed (${type})`, {
      cause: error,
      context,
    });
  }
  return new TicketStreamError('kafka.unavailable', `${doing}: ${message}`, {
    cause: error,
    context: { ...context, type },
  });
}
