import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TicketStreamError } from '@ticket-stream/errors';
import { brokerAnswers } from './broker-answers.ts';
import {
  type BrokerFiles,
  type BrokerIdentity,
  type BrokerProcess,
  type BrokerRunner,
  endBroker,
  killBroker,
} from './broker-process.ts';
import {
  readBrokerRecord,
  readPorts,
  removeBrokerRecord,
  writeBrokerRecord,
  writePorts,
} from './broker-record.ts';
import {
  type BrokerListener,
  type BrokerProperties,
  log4jProperties,
  serverProperties,
} from './broker-settings.ts';
import { chooseRunner, type KafkaKind } from './choose-runner.ts';
import { complaintIn } from './complaint.ts';
import { defaultKafkaImage, dockerBroker } from './docker-broker.ts';
import type { Environment } from './find-program.ts';
import { freePort, isPortFree } from './free-port.ts';
import { javaBroker } from './java-broker.ts';
import type { OnProgress } from './progress.ts';
import { lockRun, type RunLock } from './run-lock.ts';

interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface StartKafkaOptions {
  /** Kafka's data, settings and logs; made when missing. One run at a time uses it; two directories never meet. */
  readonly dataDir: string;
  /** A cluster that runs already, `host:port,host:port`: it is used as it is and nothing is started. */
  readonly brokers?: string | undefined;
  /** `auto`: Java when it is there, else Docker. */
  readonly kind?: KafkaKind | undefined;
  /** Container image, for the docker kind; of the layout of apache/kafka. By default what `KAFKA_IMAGE` names. */
  readonly image?: string | undefined;
  /** Broker properties beside or instead of ours. */
  readonly properties?: BrokerProperties | undefined;
  /** Listeners beside the plain one that everything here uses; for a broker of the java kind. */
  readonly listeners?: readonly BrokerListener[] | undefined;
  /** Users with a SCRAM login, as `kafka-storage format --add-scram` has them; made with the storage. */
  readonly scramUsers?: readonly string[] | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly logger?: Logger | undefined;
  /** Told once when a broker of ours ends that was not asked to. */
  readonly onDeath?: ((message: string) => void) | undefined;
  /** Where java, mvn and docker are looked up and run, and `KAFKA_IMAGE` is read; the own one by default. */
  readonly env?: Environment | undefined;
  /** Gives a start up, also a download: what was begun is ended, and its reason thrown. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningKafka {
  /** `host:port`, for every client. The same after restart(). */
  readonly brokers: string;
  readonly kind: 'given' | 'java' | 'docker';
  /** True when the broker was left behind by a run that was killed. */
  readonly takenOver: boolean;
  /** The broker's process, when it is one of this machine. */
  readonly pid: number | undefined;
  /** Ends it cleanly (0.3 s; at most 3 s, then by force) and gives the directory free. A given cluster stays as it is. */
  stop(): Promise<void>;
  /** SIGKILL, for tests: the directory stays ours, restart() begins again with what is on disk. */
  kill(): Promise<void>;
  /** Starts it again at the same address; ends it first when it runs. */
  restart(): Promise<void>;
}

/**
 * A Kafka that answers.
 * @throws store.locked           another run uses the directory
 * @throws dev_stack.unavailable  there is no way to run Kafka here, or it did not start; the remedy says what to do
 */
export async function startKafka(options: StartKafkaOptions): Promise<RunningKafka> {
  if (options.brokers !== undefined && options.brokers !== '') return givenKafka(options.brokers);
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const lock = lockRun(dataDir);
  try {
    return await startInDirectory(dataDir, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Ends the broker of this directory's run if that was killed.
 * @returns whether it was: false where nothing ran, or what ran was stopped
 * @throws store.locked  its run lives
 */
export async function endLeftBehind(dataDir: string, env: Environment = process.env): Promise<boolean> {
  if ((await stat(dataDir).catch(() => undefined)) === undefined) return false;
  const lock = lockRun(dataDir);
  try {
    return await endRecorded(dataDir, env);
  } finally {
    lock.release();
  }
}

/**
 * Removes a Kafka with all its data, a broker that a killed run left there included: removing only its files would
 * leave it running for ever.
 * @throws store.locked  a run uses it
 */
export async function removeKafka(dataDir: string, env: Environment = process.env): Promise<void> {
  if ((await stat(dataDir).catch(() => undefined)) === undefined) return;
  const lock = lockRun(dataDir);
  try {
    await endRecorded(dataDir, env);
    await rm(dataDir, { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

async function endRecorded(dataDir: string, env: Environment): Promise<boolean> {
  const record = await readBrokerRecord(dataDir);
  if (record === undefined) return false;
  const broker = brokerOf(record.identity, env);
  if (await broker.isRunning()) await endBroker(broker);
  await removeBrokerRecord(dataDir);
  return true;
}

function givenKafka(brokers: string): RunningKafka {
  const refuse = async () => {
    throw new TicketStreamError('internal.defect', 'A given cluster is not ours to kill or restart.');
  };
  return {
    brokers,
    kind: 'given',
    takenOver: false,
    pid: undefined,
    stop: async () => {},
    kill: refuse,
    restart: refuse,
  };
}

async function startInDirectory(
  dataDir: string,
  firstLock: RunLock,
  options: StartKafkaOptions,
): Promise<RunningKafka> {
  const env = options.env ?? process.env;
  const kind = options.kind ?? 'auto';
  // Set and empty, as Compose and shells hand on what was left out, means the default.
  const image = options.image ?? (env['KAFKA_IMAGE'] || defaultKafkaImage);
  const onProgress = options.onProgress ?? (() => {});
  const settingsDigest = digestOf([serverProperties(nowhere, options.properties, options.listeners), image]);

  let lock: RunLock | undefined = firstLock;
  let broker: BrokerProcess | undefined;
  let ports: Ports | undefined;
  let takenOver = false;

  const record = await readBrokerRecord(dataDir);
  if (record !== undefined) {
    const left = brokerOf(record.identity, env);
    if (await left.isRunning()) {
      onProgress({ stage: 'taking_over', text: 'Looking at the Kafka that an earlier run left behind' });
      const wanted = kind === 'auto' || kind === record.identity.kind;
      const details = { dataDir, ...record.identity };
      if (
        wanted &&
        record.settingsDigest === settingsDigest &&
        (await brokerAnswers(addressOf(record), 3000))
      ) {
        options.logger?.info(details, 'took over the Kafka that an earlier run left behind');
        broker = left;
        ports = { port: record.port, controllerPort: record.controllerPort };
        takenOver = true;
      } else {
        options.logger?.warn(details, 'ending the Kafka that an earlier run left behind');
        await endBroker(left);
      }
    }
  }

  let runner: BrokerRunner | undefined;
  const start = async (samePorts: Ports | undefined) => {
    runner ??= await chooseRunner({ kind, image, env, onProgress, signal: options.signal });
    const started = await launch(dataDir, runner, samePorts, options, settingsDigest, onProgress);
    broker = started.broker;
    ports = started.ports;
  };
  if (broker === undefined) await start(undefined);
  onProgress({ stage: 'ready', text: 'Kafka answers' });

  const watch = watchBroker(
    () => broker,
    () => options.onDeath?.(`Kafka ended by itself. ${logPlace(dataDir)}`),
  );
  const current = () => {
    if (broker === undefined || ports === undefined)
      throw new TicketStreamError('internal.defect', 'No broker.');
    return { broker, ports };
  };
  return {
    brokers: addressOf(current().ports),
    kind: current().broker.identity.kind,
    takenOver,
    get pid() {
      return broker?.identity.kind === 'java' ? broker.identity.pid : undefined;
    },
    async stop() {
      watch.pause();
      if (lock === undefined) return;
      if (broker !== undefined) await endBroker(broker);
      broker = undefined;
      await removeBrokerRecord(dataDir);
      lock.release();
      lock = undefined;
    },
    async kill() {
      watch.pause();
      if (broker !== undefined) await killBroker(broker);
    },
    async restart() {
      watch.pause();
      lock ??= lockRun(dataDir);
      if (broker !== undefined) await endBroker(broker);
      await start(ports);
      watch.resume();
    },
  };
}

interface Ports {
  readonly port: number;
  readonly controllerPort: number;
}

const nowhere = { port: 0, controllerPort: 0, listenHost: '', logDir: '' };

const addressOf = (ports: Ports) => `127.0.0.1:${ports.port}`;

/** @param samePorts  the address clients know already; without it the directory's last one, or another that is free */
async function launch(
  dataDir: string,
  runner: BrokerRunner,
  samePorts: Ports | undefined,
  options: Pick<StartKafkaOptions, 'properties' | 'listeners' | 'scramUsers' | 'signal'>,
  settingsDigest: string,
  onProgress: OnProgress,
): Promise<{ broker: BrokerProcess; ports: Ports }> {
  const { signal } = options;
  for (let attempt = 1; ; attempt++) {
    const ports =
      samePorts ??
      (await choosePorts(
        attempt === 1 ? await readPorts(dataDir) : undefined,
        (options.listeners ?? []).map((listener) => listener.port),
      ));
    const files = await writeSettings(dataDir, runner, ports, options);
    await formatOnce(files, runner, ports, options, onProgress);
    signal?.throwIfAborted();
    onProgress({ stage: 'starting', text: 'Starting Kafka' });
    const whatItSaid = sinceNow(files);
    const broker = await runner.launch(files, ports.port);
    writeBrokerRecord(dataDir, { identity: broker.identity, ...ports, settingsDigest });
    const outcome = await answersInTime(broker, ports, runner.startTimeoutMs, signal);
    if (outcome === 'answers') {
      await writePorts(dataDir, ports);
      return { broker, ports };
    }
    if (outcome !== 'ended') await endBroker(broker);
    await broker.cleanUp();
    await removeBrokerRecord(dataDir);
    signal?.throwIfAborted();
    const said = await whatItSaid();
    // Another process can take a free port between our look at it and the broker's.
    const portTaken = /Address already in use|BindException/.test(said);
    if (portTaken && samePorts === undefined && attempt < 5) continue;
    const what = outcome === 'silent' ? 'Kafka started but does not answer' : 'Kafka ended while starting';
    throw new TicketStreamError('dev_stack.unavailable', `${what}. ${said}`.trim(), {
      context: { dataDir, port: ports.port },
      remedy: `${logPlace(dataDir)} To begin with an empty Kafka, remove ${dataDir}; or set KAFKA_BROKERS.`,
    });
  }
}

/** @param others  ports of the broker's other listeners, which nothing listens on yet */
async function choosePorts(last: Ports | undefined, others: readonly number[]): Promise<Ports> {
  if (last !== undefined && (await isPortFree(last.port)) && (await isPortFree(last.controllerPort)))
    return last;
  const port = await freePort(others);
  return { port, controllerPort: await freePort([port, ...others]) };
}

async function writeSettings(
  dataDir: string,
  runner: BrokerRunner,
  ports: Ports,
  { properties, listeners }: Pick<StartKafkaOptions, 'properties' | 'listeners'>,
): Promise<BrokerFiles> {
  const files: BrokerFiles = {
    dataDir,
    propertiesFile: join(dataDir, 'server.properties'),
    log4jFile: join(dataDir, 'log4j2.properties'),
    logsDir: join(dataDir, 'logs'),
  };
  await mkdir(files.logsDir, { recursive: true });
  const place = { ...ports, listenHost: runner.listenHost, logDir: join(dataDir, 'log') };
  await writeFile(files.propertiesFile, serverProperties(place, properties, listeners));
  await writeFile(files.log4jFile, log4jProperties(join(files.logsDir, 'broker.txt')));
  return files;
}

/** Formats into a folder beside it and renames: a start that was killed in the middle leaves no half made storage. */
async function formatOnce(
  files: BrokerFiles,
  runner: BrokerRunner,
  ports: Ports,
  {
    properties,
    listeners,
    scramUsers = [],
  }: Pick<StartKafkaOptions, 'properties' | 'listeners' | 'scramUsers'>,
  onProgress: OnProgress,
): Promise<void> {
  const logDir = join(files.dataDir, 'log');
  if (await stat(join(logDir, 'meta.properties')).catch(() => undefined)) return;
  onProgress({ stage: 'formatting', text: 'Making an empty Kafka' });
  const unfinished = join(files.dataDir, 'log.unfinished');
  await rm(unfinished, { recursive: true, force: true });
  const propertiesFile = join(files.dataDir, 'format.properties');
  const place = { ...ports, listenHost: runner.listenHost, logDir: unfinished };
  await writeFile(propertiesFile, serverProperties(place, properties, listeners));
  // Kafka's ids are 16 random bytes in URL-safe base64; the tools take one that begins with a dash for an option.
  let clusterId: string;
  do clusterId = randomBytes(16).toString('base64url');
  while (clusterId.startsWith('-'));
  const users = scramUsers.flatMap((user) => ['--add-scram', user]);
  await runner.runStorageTool(files, [
    'format',
    '--cluster-id',
    clusterId,
    '--config',
    propertiesFile,
    ...users,
  ]);
  await rm(propertiesFile);
  await rename(unfinished, logDir);
}

async function answersInTime(
  broker: BrokerProcess,
  ports: Ports,
  timeoutMs: number,
  signal: AbortSignal | undefined,
) {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline && !signal?.aborted) {
    if (await brokerAnswers(addressOf(ports), 2000)) return 'answers';
    if (!(await broker.isRunning())) return 'ended';
    await pause(50);
  }
  return 'silent';
}

const logNames = ['broker.txt', 'broker-output.txt'];

/** What the broker has written since a moment; its log goes on over many runs. */
function sinceNow(files: BrokerFiles): () => Promise<string> {
  const paths = logNames.map((name) => join(files.logsDir, name));
  const before = paths.map((path) =>
    readFile(path).then(
      (bytes) => bytes.length,
      () => 0,
    ),
  );
  return async () => {
    for (const [at, path] of paths.entries()) {
      const bytes = await readFile(path).catch(() => Buffer.alloc(0));
      const begin = (await before[at]) ?? 0;
      // Shorter than before: it was begun anew.
      const said = complaintIn(bytes.subarray(bytes.length >= begin ? begin : 0).toString('utf8'));
      if (said !== '') return said;
    }
    return '';
  };
}

const logPlace = (dataDir: string) => `Its log is in ${join(dataDir, 'logs')}.`;

function brokerOf(identity: BrokerIdentity, env: Environment): BrokerProcess {
  return identity.kind === 'java' ? javaBroker(identity) : dockerBroker(identity, env);
}

/** Looks twice a second (a container: every other second, it costs a process) whether it still runs. */
function watchBroker(current: () => BrokerProcess | undefined, onDeath: () => void) {
  let timer: NodeJS.Timeout | undefined;
  const resume = () => {
    const watched = current();
    if (watched === undefined) return;
    timer = setTimeout(
      () => {
        void watched.isRunning().then((running) => {
          if (timer === undefined) return;
          if (running) resume();
          else onDeath();
        });
      },
      watched.identity.kind === 'java' ? 500 : 2000,
    );
    timer.unref();
  };
  resume();
  return {
    resume,
    pause() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
