/**
 * The life of a service process; with it, a service's main.ts says only what it is and what it does. This file is
 * part of that main: it is the one place of the packages that reads the environment, the arguments and the signals.
 *
 * 1. *Starting*: `--help` prints and ends; every wrong option is named at once, and nothing else happened then.
 * 2. *Running*: until `run` returns, or until SIGINT, SIGTERM or the end of the supervisor's channel aborts `signal`.
 * 3. *Stopping*: `run` gets 3 s to return, then the clean-up functions run, the latest registered first; after 5 s in
 *    all the process ends whatever is left. The same signal a second time ends it at once.
 * 4. *Ended*: the process is not killed but runs empty, with the exit code of what happened (see exitCodes).
 *
 * An error that nobody caught (a rejected promise without handler) ends the process at once with code 1, without
 * clean-up: what it left behind is what a killed process leaves behind, which every service recovers from.
 */
import { asTicketStreamError, type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { createLogger, hideSecrets, type Logger, type LogLevel } from './logger.ts';
import {
  effectiveOptions,
  isOptionSet,
  type OptionTable,
  type OptionValues,
  optionWarnings,
  readOptions,
  secretValues,
} from './options.ts';
import { optionsHelp } from './options-help.ts';
import { sendToSupervisor } from './progress.ts';
import { startTelemetry } from './telemetry.ts';

const STOP_LIMIT_MS = 5_000;
const RUN_LIMIT_MS = 3_000;
/** Ctrl-C reaches a process twice, from the terminal and from the npm above it; a person is slower than this. */
const SAME_SIGNAL_MS = 300;
const RUN_EMPTY_LIMIT_MS = 1_000;
const LAST_WORDS_LIMIT_MS = 500;

interface ServiceDescription<Table extends OptionTable> {
  /** As it is called: "search". */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly options: Table;
}

export interface ServiceContext<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  /** true when the environment itself gives the option, false when its default counts. */
  readonly isSet: (name: keyof OptionValues<Table> & string) => boolean;
  readonly logger: Logger;
  /** Aborted when the service is to stop. */
  readonly signal: AbortSignal;
  /** Resolves when the service is to stop; for a `run` that has nothing else to wait for. */
  readonly stopped: Promise<void>;
  /** Runs when `run` has returned or failed, in the reverse order of registering. */
  readonly onShutdown: (cleanUp: () => Promise<unknown> | unknown) => void;
}

/** Runs the service until its end; never rejects: errors become log lines and the exit code. */
export async function runService<Table extends OptionTable>(
  service: ServiceDescription<Table>,
  run: (context: ServiceContext<Table>) => Promise<void>,
): Promise<void> {
  const { env } = process;
  let logger = createLogger({ service: service.name });
  let hide = (text: string): string => text;

  // A reader of our output that went away is no reason to fail.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});

  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const failed = async (error: unknown): Promise<ExitCode> => {
    const failure = asTicketStreamError(error);
    reportFailure(service.name, failure, logger, hide);
    await lastWords(service.name, failure, hide);
    return failure.exitCode;
  };
  const crashed = (error: unknown): void => {
    // At once, even if telling takes its time and even if more errors follow.
    process.exitCode = exitCodes.defect;
    void failed(error).finally(() => process.exit(exitCodes.defect));
  };
  process.once('uncaughtException', crashed);
  process.once('unhandledRejection', crashed);

  let options: OptionValues<Table>;
  try {
    if (wantsHelp(process.argv.slice(2))) {
      process.stdout.write(
        optionsHelp(service.options, { ...service, columns: process.stdout.columns ?? 80 }),
      );
      return;
    }
    options = readOptions(service.options, env);
  } catch (error) {
    process.exitCode = await failed(error);
    disconnectSupervisor();
    return;
  }

  const secrets = secretValues(service.options, options);
  hide = hideSecrets(secrets);
  logger = createLogger({ service: service.name, secrets, ...levelOf(options) });
  for (const warning of optionWarnings(service.options, env)) logger.warn(warning);
  logger.info(
    { options: effectiveOptions(service.options, options), node: process.versions.node },
    'starting',
  );

  const forgetSignals = listenForStop((reason) => {
    logger.info({ reason }, 'stopping');
    stop.abort(new DOMException(`stopped by ${reason}`, 'AbortError'));
  });

  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  const telemetry = await startTelemetry({ service: service.name, env });

  let exitCode: ExitCode = exitCodes.done;
  const deadline = (): void => {
    setTimeout(() => {
      logger.error(
        { limitMs: STOP_LIMIT_MS, open: process.getActiveResourcesInfo() },
        'did not stop in time',
      );
      process.exit(exitCode === exitCodes.done ? exitCodes.defect : exitCode);
    }, STOP_LIMIT_MS).unref();
  };
  stop.signal.addEventListener('abort', deadline, { once: true });

  try {
    const running = run({
      options,
      isSet: (name) => isOptionSet(env, name),
      logger,
      signal: stop.signal,
      stopped,
      onShutdown: (cleanUp) => {
        cleanUps.push(cleanUp);
      },
    });
    await Promise.race([running, stopped.then(() => laterWithoutHolding(RUN_LIMIT_MS))]);
  } catch (error) {
    if (!(stop.signal.aborted && isAbort(error))) exitCode = await failed(error);
  }
  if (!stop.signal.aborted) {
    stop.signal.removeEventListener('abort', deadline);
    deadline();
  }

  for (const cleanUp of cleanUps.reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      logger.warn({ err: error }, 'a clean-up failed');
    }
  }
  await telemetry.shutdown();
  logger.info({ exitCode }, 'stopped');
  process.exitCode = exitCode;
  forgetSignals();
  disconnectSupervisor();
  setTimeout(() => {
    logger.warn({ open: process.getActiveResourcesInfo() }, 'something was left open');
    process.exit(exitCode);
  }, RUN_EMPTY_LIMIT_MS).unref();
}

/** @throws config.invalid  for anything else than `--help`: services take their options from the environment */
function wantsHelp(args: readonly string[]): boolean {
  if (args.includes('--help') || args.includes('-h')) return true;
  const [first] = args;
  if (first === undefined) return false;
  // Only the name of a flag is shown: what follows may be a secret, given in the wrong place.
  const shown = first.startsWith('-') ? first.split('=', 1)[0] : 'an argument';
  throw new TicketStreamError('config.invalid', `${shown}: services take no arguments but --help`, {
    remedy: 'Give options as environment variables; --help names them.',
  });
}

function levelOf(values: object): { level?: LogLevel } {
  const level = 'LOG_LEVEL' in values ? values.LOG_LEVEL : undefined;
  return level === 'debug' || level === 'info' || level === 'warn' || level === 'error' ? { level } : {};
}

function listenForStop(requestStop: (reason: string) => void): () => void {
  const firstAtMs = new Map<NodeJS.Signals, number>();
  let requested = false;
  const request = (reason: string): void => {
    if (!requested) requestStop(reason);
    requested = true;
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    const firstMs = firstAtMs.get(signal);
    if (firstMs === undefined) firstAtMs.set(signal, performance.now());
    else if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(signal === 'SIGINT' ? 130 : 143);
    request(signal);
  };
  const onDisconnect = (): void => request('the end of its supervisor');
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (process.channel !== undefined) process.once('disconnect', onDisconnect);
  return () => {
    process.off('disconnect', onDisconnect);
    // Signals stay with us while the process runs empty: a late one must not turn a clean end into a killed one.
  };
}

function disconnectSupervisor(): void {
  if (process.connected) process.disconnect();
}

function laterWithoutHolding(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** The answer of anything that was told to stop by `signal`, however deep it is wrapped. */
function isAbort(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 5) return false;
  return error.name === 'AbortError' || isAbort(error.cause, depth + 1);
}

function reportFailure(
  service: string,
  failure: TicketStreamError,
  logger: Logger,
  hide: (text: string) => string,
): void {
  if (process.stdout.isTTY !== true) logger.fatal({ err: failure }, failure.message);
  if (process.stdout.isTTY === true || process.stderr.isTTY === true) {
    const lines = [
      `ticket-stream ${service}: ${failure.message}`,
      `  → ${failure.remedy}`,
      `  (${failure.code})`,
    ];
    if (failure.code === 'internal.defect') lines.push(failure.stack ?? '');
    process.stderr.write(hide(`${lines.join('\n')}\n`));
  }
}

async function lastWords(
  service: string,
  { code, message, remedy }: TicketStreamError,
  hide: (text: string) => string,
): Promise<void> {
  const told = sendToSupervisor({
    type: 'failed',
    service,
    code,
    message: hide(message),
    remedy: hide(remedy),
  });
  await Promise.race([told, laterWithoutHolding(LAST_WORDS_LIMIT_MS)]);
}
