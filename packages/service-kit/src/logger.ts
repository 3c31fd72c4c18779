/**
 * One logger a process. To stdout: a JSON line each, or a readable line where a person looks at a terminal.
 * No secret leaves by it: known names are masked, and known values are cut out of whatever line they got into.
 */
import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';
import { errorFields } from './error-fields.ts';

export type { Logger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

interface LoggerSettings {
  readonly service: string;
  readonly level?: LogLevel;
  /** Values that no line may contain. */
  readonly secrets?: readonly string[];
  /** Where lines go instead of stdout. */
  readonly destination?: { write(line: string): void };
}

const secretFields = [
  'password',
  'passwd',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'apiToken',
  'api_token',
  'access_token',
  'refresh_token',
  'client_secret',
  'clientSecret',
  'authorization',
  'Authorization',
  'cookie',
  'credentials',
];

const redactedPaths = secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Shorter ones would blank out half the line; the table's checks let none through that matters. */
const SECRET_CHARACTERS_MIN = 4;

export function createLogger(settings: LoggerSettings): Logger {
  const hide = hideSecrets(settings.secrets ?? []);
  const options: LoggerOptions = {
    base: { service: settings.service },
    level: settings.level ?? 'info',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '(secret)' },
    serializers: { err: errorFields, error: errorFields },
    mixin: traceFields,
    hooks: { streamWrite: hide },
  };
  if (settings.destination !== undefined) return pino(options, settings.destination);
  if (process.stdout.isTTY !== true) return pino(options, pino.destination({ dest: 1, sync: true }));
  // In this thread and at once: a worker would lose the last lines of a process that ends.
  return pino(
    options,
    pretty({ destination: 1, sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'service,trace_flags' }),
  );
}

function traceFields(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return {};
  return {
    trace_id: context.traceId,
    span_id: context.spanId,
    trace_flags: context.traceFlags.toString(16).padStart(2, '0'),
  };
}

/** @returns a function that replaces each of the values, also as JSON writes it, wherever it stands in a text */
export function hideSecrets(secrets: readonly string[]): (text: string) => string {
  const written = secrets
    .filter((secret) => secret.length >= SECRET_CHARACTERS_MIN)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  const wanted = [...new Set(written)].sort((a, b) => b.length - a.length);
  return (text) => wanted.reduce((rest, secret) => rest.replaceAll(secret, '(secret)'), text);
}
