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
import { startTelemetry, type Telemetry } from './telemetry.ts';

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
  /** For `metricsRoute`. */
  readonly telemetry: Pick<Telemetry, 'scrape'>;
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

  // Waiting for a signal alone does not keep a process running.
  const keepRunning = setInterval(() => {}, 2 ** 31 - 1);
  const end = (exitCode: ExitCode): void => {
    clearInterval(keepRunning);
    runEmpty(exitCode, logger);
  };

  // A reader of our output that went away is no reason to fail.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});

  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  const fail = async (error: unknown): Promise<ExitCode> => {
    const failure = asTicketStreamError(error);
    reportFailure(service.name, failure, logger, hide);
    await tellLastWords(service.name, failure, hide);
    return failure.exitCode;
  };
  endOnUncaught(fail);

  let options: OptionValues<Table>;
  try {
    if (wantsHelp(process.argv.slice(2))) {
      const { columns } = process.stdout;
      process.stdout.write(optionsHelp(service.options, { ...service, columns: columns ?? 80 }));
      end(exitCodes.done);
      return;
    }
    options = readOptions(service.options, env);
  } catch (error) {
    end(await fail(error));
    return;
  }

  const secrets = secretValues(service.options, options);
  hide = hideSecrets(secrets);
  logger = createLogger({ service: service.name, secrets, ...levelOf(options) });
  for (const warning of optionWarnings(service.options, env)) logger.warn(warning);
  const shown = effectiveOptions(service.options, options);
  logger.info({ options: shown, node: process.versions.node, pid: process.pid }, 'starting');

  let exitCode: ExitCode = exitCodes.done;
  let cleanedUp = false;
  stop.signal.addEventListener('abort', () => {
    setTimeout(() => {
      logger.error(
        { limitMs: STOP_LIMIT_MS, open: process.getActiveResourcesInfo() },
        'did not stop in time',
      );
      process.exit(exitCode === exitCodes.done && !cleanedUp ? exitCodes.defect : exitCode);
    }, STOP_LIMIT_MS).unref();
  });
  listenForStop((reason) => {
    if (stop.signal.aborted) return;
    logger.info({ reason }, 'stopping');
    stop.abort(new DOMException(`stopped by ${reason}`, 'AbortError'));
  });

  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  let telemetry: Telemetry | undefined;
  try {
    telemetry = await startTelemetry({ service: service.name, env, logger });
    const running = run({
      options,
      isSet: (name) => isOptionSet(env, name),
      logger,
      signal: stop.signal,
      stopped,
      telemetry,
      onShutdown: (cleanUp) => {
        cleanUps.push(cleanUp);
      },
    });
    const late = stopped.then(() => wait(RUN_LIMIT_MS)).then(() => true);
    if (await Promise.race([running.then(() => false), late])) {
      logger.warn({ limitMs: RUN_LIMIT_MS }, 'still working; its clean-ups run now');
      running.catch((error: unknown) => logger.warn({ err: error }, 'ended late'));
    }
  } catch (error) {
    if (!(stop.signal.aborted && isAbort(error))) exitCode = await fail(error);
  }
  // However it ended, what else listens to the signal ends now too, and the limit of the stop counts.
  stop.abort(new DOMException('the service has ended', 'AbortError'));

  for (const cleanUp of cleanUps.reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      logger.warn({ err: error }, 'a clean-up failed');
    }
  }
  cleanedUp = true;
  await telemetry?.shutdown();
  logger.info({ exitCode }, 'stopped');
  end(exitCode);
}

/** Ends the process by leaving it nothing to do, so that every line written gets out; by force after a second. */
function runEmpty(exitCode: ExitCode, logger: Logger): void {
  process.exitCode = exitCode;
  if (process.connected) process.disconnect();
  setTimeout(() => {
    logger.warn({ open: process.getActiveResourcesInfo() }, 'something was left open');
    process.exit(exitCode);
  }, RUN_EMPTY_LIMIT_MS).unref();
}

/** One error that nobody caught ends the process; those that follow from it are not reported. */
function endOnUncaught(fail: (error: unknown) => Promise<ExitCode>): void {
  let ending = false;
  const end = (error: unknown): void => {
    if (ending) return;
    ending = true;
    void fail(error).finally(() => process.exit(exitCodes.defect));
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
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

/**
 * Calls `requestStop` for every reason to stop. The handlers stay to the very end: a late signal must not turn a
 * clean end into a killed one.
 */
function listenForStop(requestStop: (reason: string) => void): void {
  const firstAtMs = new Map<NodeJS.Signals, number>();
  const onSignal = (signal: NodeJS.Signals): void => {
    const firstMs = firstAtMs.get(signal);
    if (firstMs === undefined) firstAtMs.set(signal, performance.now());
    else if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(signal === 'SIGINT' ? 130 : 143);
    requestStop(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (process.connected) process.once('disconnect', () => requestStop('the end of its supervisor'));
}

function wait(ms: number): Promise<void> {
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
  if (process.stdout.isTTY !== true) logger.fatal({ err: failure }, `${service} can't go on`);
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

async function tellLastWords(
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
  await Promise.race([told, wait(LAST_WORDS_LIMIT_MS)]);
}
