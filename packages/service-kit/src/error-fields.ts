/** An error as log lines and answers carry it: everything a person needs to find the place, and no secret. */
import { TicketStreamError } from '@ticket-stream/errors';

const CAUSES_MAX = 5;
const TEXT_CHARACTERS_MAX = 4_000;

/** Names under which secrets go about, in any spelling; values under them are never logged. */
const secretName =
  /pass(?:word|wd|phrase)|secret|token|authorization|cookie|api[-_]?key|credential|private[-_]?key/i;

interface ErrorFields {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
  readonly context?: Record<string, unknown>;
  readonly stack?: string;
  readonly cause?: ErrorFields;
  readonly errors?: readonly ErrorFields[];
}

/**
 * Takes the named fields only: foreign errors carry whole requests about (headers with credentials, bodies with
 * tickets), and pino's own serializer would copy every property.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: cut(String(error)) };
  const own = error instanceof TicketStreamError ? error : undefined;
  const code = own?.code ?? foreignCode(error);
  const { cause } = error;
  // Without the message on top, which stands beside it already.
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
  const inner =
    error instanceof AggregateError && depth < CAUSES_MAX ? error.errors.slice(0, CAUSES_MAX) : [];
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: cut(error.message),
    ...(own === undefined ? {} : { remedy: own.remedy }),
    ...(own === undefined || Object.keys(own.context).length === 0
      ? {}
      : { context: safeContext(own.context) }),
    ...(frames === '' ? {} : { stack: cut(frames) }),
    ...(cause === undefined || depth >= CAUSES_MAX ? {} : { cause: errorFields(cause, depth + 1) }),
    ...(inner.length === 0 ? {} : { errors: inner.map((each: unknown) => errorFields(each, depth + 1)) }),
  };
}

function foreignCode(error: Error): string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}

function safeContext(context: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [
      name,
      secretName.test(name) ? '(secret)' : typeof value === 'bigint' ? value.toString() : value,
    ]),
  );
}

function cut(text: string): string {
  return text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text;
}
