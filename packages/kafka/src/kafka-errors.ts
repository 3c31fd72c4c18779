import { type ErrorContext, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { type ResourceType, type Right, refusedRequest } from './request-rights.ts';
import { wireRefusal } from './wire-errors.ts';

/** What we read of a kafkajs error; it wraps the protocol's error one to three levels deep. */
interface KafkaJsError extends Error {
  readonly type?: string;
  readonly code?: number | string;
  readonly broker?: string;
  readonly originalError?: Error;
}

/** An error and what is under it, outermost first: its causes, and the parts of one that is several. */
function* causes(error: unknown): Generator<KafkaJsError> {
  const seen = new Set<unknown>();
  const queue = [error];
  while (queue.length > 0) {
    const current = queue.shift();
    if (!(current instanceof Error) || seen.has(current)) continue;
    seen.add(current);
    yield current as KafkaJsError;
    const { cause, originalError, errors } = current as KafkaJsError & { cause?: unknown; errors?: unknown };
    queue.push(cause ?? originalError, ...(Array.isArray(errors) ? errors : []));
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

const refusedResource: Readonly<Record<string, ResourceType>> = {
  TOPIC_AUTHORIZATION_FAILED: 'Topic',
  GROUP_AUTHORIZATION_FAILED: 'Group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'TransactionalId',
  CLUSTER_AUTHORIZATION_FAILED: 'Cluster',
};

const DEFECTS = new Set([
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'KafkaJSInvariantViolation',
]);

/**
 * A kafkajs error as one of ours: rights, credentials and a wire that both ends see differently stop; everything else
 * waits for the cluster.
 */
export function asKafkaError(error: unknown, doing: string, context: ErrorContext = {}): TicketStreamError {
  if (isTicketStreamError(error)) return error;
  // A mistake in code is not the cluster's state: waiting would hide it for ever.
  for (const { name } of causes(error)) {
    if (DEFECTS.has(name))
      return new TicketStreamError('internal.defect', `${doing}: ${String(error)}`, { cause: error });
  }
  const refusal = refusalOf(error, doing, context);
  if (refusal !== undefined) return refusal;
  const message = error instanceof Error ? error.message : String(error);
  return new TicketStreamError('kafka.unavailable', `${doing}: ${message}`, {
    cause: error,
    context: { ...context, type: kafkaErrorType(error) },
  });
}

/** What the cluster refuses for good: waiting or doing it again would never end. Undefined for everything else. */
export function refusalOf(
  error: unknown,
  doing: string,
  context: ErrorContext = {},
): TicketStreamError | undefined {
  return (
    wireError(error, doing, context) ??
    codecError(error, doing, context) ??
    loginError(error, doing, context) ??
    rightsError(error, doing, context)
  );
}

function wireError(error: unknown, doing: string, context: ErrorContext): TicketStreamError | undefined {
  for (const { name, code, broker, message } of causes(error)) {
    if (name !== 'KafkaJSConnectionError' || typeof code !== 'string') continue;
    const refusal = wireRefusal(code);
    if (refusal === undefined) continue;
    return new TicketStreamError(refusal.code, `${doing}: ${refusal.what} (${broker}: ${plainly(message)})`, {
      cause: error,
      context: { ...context, broker, reason: code },
      remedy: refusal.remedy,
    });
  }
  return undefined;
}

/** Node's advice after a semicolon is for people who start `node`; OpenSSL's text is a thread's address and a file. */
function plainly(message: string): string {
  const text = message.replace(/^Connection error: /, '').trim();
  const openSsl = /SSL routines:[^:]*:([^:]+):/.exec(text);
  return openSsl?.[1] ?? text.replace(/; if the root CA is installed locally.*$/s, '');
}

/** Records of somebody who writes otherwise than we do, or a topic that has them packed anew by its broker. */
function codecError(error: unknown, doing: string, context: ErrorContext): TicketStreamError | undefined {
  for (const each of causes(error)) {
    if (isTicketStreamError(each, 'kafka.topic_settings')) return each; // of zstd-codec.ts
    const { name, message } = each;
    if (name !== 'KafkaJSNotImplemented' || !message.includes('compression')) continue;
    return new TicketStreamError('kafka.topic_settings', `${doing}: ${message}`, {
      ...{ cause: error, context },
      remedy:
        'Let whoever writes to the topic use zstd, gzip or none, and set its compression.type to zstd or producer; records that lie there already are not read.',
    });
  }
  return undefined;
}

function loginError(error: unknown, doing: string, context: ErrorContext): TicketStreamError | undefined {
  let refused: KafkaJsError | undefined;
  for (const each of causes(error)) {
    const { name, type } = each;
    if (type === 'UNSUPPORTED_SASL_MECHANISM') {
      return new TicketStreamError(
        'kafka.protocol_mismatch',
        `${doing}: the broker does not offer this way to log in`,
        {
          cause: error,
          context: { ...context, reason: type },
          remedy:
            "Set KAFKA_SASL_MECHANISM to one of the listener's sasl.enabled.mechanisms, or name another port in KAFKA_BROKERS.",
        },
      );
    }
    if (type === 'ILLEGAL_SASL_STATE') {
      return new TicketStreamError(
        'kafka.protocol_mismatch',
        `${doing}: KAFKA_SASL_MECHANISM is set, and the broker takes no login at this port`,
        {
          cause: error,
          context: { ...context, reason: type },
          remedy:
            "Name the port of the broker's SASL_SSL or SASL_PLAINTEXT listener in KAFKA_BROKERS, or leave KAFKA_SASL_* out.",
        },
      );
    }
    // Under a failed login: the connection was lost in the middle of it. That is no refusal.
    if (name.startsWith('KafkaJSConnection') || name === 'KafkaJSRequestTimeoutError') return undefined;
    if (name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED') refused ??= each;
  }
  if (refused === undefined) return undefined;
  return new TicketStreamError('kafka.credentials_refused', `${doing}: the cluster refuses the credentials`, {
    cause: error,
    context,
  });
}

function rightsError(error: unknown, doing: string, context: ErrorContext): TicketStreamError | undefined {
  for (const each of causes(error)) {
    const resourceType = refusedResource[each.type ?? ''];
    if (resourceType === undefined) continue;
    const request = refusedRequest(each);
    const right = forTopic(
      request?.rights.find((one) => one.resourceType === resourceType),
      context['topic'],
    );
    if (request === undefined || right === undefined) {
      return new TicketStreamError('kafka.not_allowed', `${doing}: not allowed (${each.type})`, {
        cause: error,
        context,
      });
    }
    const { operation, resources, resourceType: on } = right;
    const whom = request.username === undefined ? 'this client' : `User:${request.username}`;
    return new TicketStreamError(
      'kafka.not_allowed',
      `${doing}: ${whom} may not ${operation} ${flags[on].replaceAll('-', ' ')} ${resources.join(', ')}`,
      {
        cause: error,
        context: { ...context, operation, resourceType: on, resource: resources.join(','), type: each.type },
        remedy: `Let an administrator allow it: ${allowLine(request.username ?? '<principal of its certificate>', operation, on, resources)}; docs/security.md has all the rights of each service.`,
      },
    );
  }
  return undefined;
}

/**
 * A broker gives the right to be idempotent to whoever may write to any topic (KIP-679): who is refused it may not
 * write to the topic either that is meant.
 */
function forTopic(right: Right | undefined, topic: unknown): Right | undefined {
  return right?.operation === 'IdempotentWrite' && typeof topic === 'string'
    ? { operation: 'Write', resourceType: 'Topic', resources: [topic] }
    : right;
}

const flags: Readonly<Record<ResourceType, string>> = {
  Topic: 'topic',
  Group: 'group',
  TransactionalId: 'transactional-id',
  Cluster: 'cluster',
};

/** The command that gives a right, as an administrator runs it. */
export function allowLine(
  user: string,
  operation: string,
  resourceType: ResourceType,
  resources: readonly string[],
): string {
  const on = resources.map((resource) =>
    resourceType === 'Cluster' ? '--cluster' : `--${flags[resourceType]} ${resource}`,
  );
  return `kafka-acls.sh --bootstrap-server … --add --allow-principal 'User:${user}' --operation ${operation} ${on.join(' ')}`;
}
