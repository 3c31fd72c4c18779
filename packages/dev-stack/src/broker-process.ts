import { setTimeout as pause } from 'node:timers/promises';

/**
 * One broker that runs or ran, however it was started; named by what is written down, so that another process can
 * hold it again after the one that started it was killed.
 */
export interface BrokerProcess {
  /** What finds it again: goes into broker.json. */
  readonly identity: BrokerIdentity;
  isRunning(): Promise<boolean>;
  /** Asks it to end cleanly; does not wait. */
  askToEnd(): Promise<void>;
  /** SIGKILL; does not wait. */
  kill(): Promise<void>;
  /** After its end: what it left that is not data. */
  cleanUp(): Promise<void>;
}

export type BrokerIdentity =
  | { readonly kind: 'java'; readonly pid: number; readonly startedAt: string }
  | { readonly kind: 'docker'; readonly container: string };

/** Where a broker finds its files; the same inside a container, which has the directory mounted at the same path. */
export interface BrokerFiles {
  readonly dataDir: string;
  readonly propertiesFile: string;
  readonly log4jFile: string;
  /** Where Kafka and the JVM write what went wrong. */
  readonly logsDir: string;
}

/** A way to run Kafka's classes: the JVM of this machine, or a container. */
export interface BrokerRunner {
  readonly kind: 'java' | 'docker';
  /** Address to listen on so that only this machine reaches it. */
  readonly listenHost: string;
  /** How long a start may take until it answers. */
  readonly startTimeoutMs: number;
  /** Runs kafka.tools.StorageTool with these arguments. */
  runStorageTool(files: BrokerFiles, args: readonly string[]): Promise<void>;
  launch(files: BrokerFiles, port: number): Promise<BrokerProcess>;
}

const cleanEndMs = 3000;

/** Ends it cleanly within 3 s, by force after that. @returns whether it ended cleanly */
export async function endBroker(broker: BrokerProcess): Promise<boolean> {
  await broker.askToEnd();
  const clean = await isGoneWithin(broker, cleanEndMs);
  if (!clean) await killBroker(broker);
  await broker.cleanUp();
  return clean;
}

/** @returns when the process is gone */
export async function killBroker(broker: BrokerProcess): Promise<void> {
  await broker.kill();
  // A killed process goes as soon as the kernel is done with it; only a disk that hangs holds it.
  await isGoneWithin(broker, 30_000);
}

async function isGoneWithin(broker: BrokerProcess, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await broker.isRunning()) {
    if (performance.now() > deadline) return false;
    await pause(20);
  }
  return true;
}
