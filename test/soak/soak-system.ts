import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type RunningKafka, startKafka } from '@ticket-stream/dev-stack';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { ServiceProcess } from '../support/service-process.ts';
import { EVERY, faultRules } from './fault-rules.ts';

export const TOPIC = 'tickets';
const DELAY_SECONDS = 1;

/** A broker and an account of this run's own, both restarted at will, and the producer between them. */
export interface SoakSystem extends AsyncDisposable {
  readonly dataDir: string;
  readonly simulatorDir: string;
  readonly kafka: RunningKafka;
  readonly producer: ServiceProcess<'producer'>;
  /** undefined while it is being restarted */
  simulator(): Simulator | undefined;
  /** Stops Zendesk and starts it on the same data at the same address, unless nothing of it is to change. */
  restartSimulator(change: ChangedSimulator): Promise<void>;
  /** The run showed what it should: without this its folder stays, for whoever looks into it. */
  removeDataAtEnd(): void;
  /** Faults played so far by all runs of the simulator, those that its plan has, and its export requests. */
  figures(): {
    readonly faults: Readonly<Record<string, number>>;
    readonly faultsDue: number;
    readonly requests: number;
  };
}

type ChangedSimulator = Pick<SimulatorOptions, 'stuckSecond' | 'liveChangesPerMinute'>;

export async function createSoakSystem(options: {
  readonly seed: number;
  readonly tickets: number;
  readonly burst: number;
  readonly liveChangesPerMinute: number;
}): Promise<SoakSystem> {
  const { seed, tickets, burst, liveChangesPerMinute } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-soak-'));
  const simulatorDir = join(dataDir, 'simulator');
  let settings: SimulatorOptions = {
    dataDir: simulatorDir,
    seed,
    tickets,
    burst,
    liveChangesPerMinute,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    delaySeconds: DELAY_SECONDS,
    stuckSecond: 'whole',
    ledgerOfEveryShowing: true,
    faults: faultRules(seed),
  };
  const first = await startSimulator(settings);
  settings = { ...settings, port: Number(new URL(first.url).port) };
  const kafka = await startKafka({
    dataDir: join(dataDir, 'kafka'),
    // Every checkpoint and every version is looked at in the end.
    properties: { 'log.cleaner.enable': false },
  });
  let simulator: Simulator | undefined = first;
  const past = { faults: {} as Record<string, number>, faultsDue: 0, requests: 0 };
  const figures = () => {
    const status = simulator?.status();
    const requests = status?.requests.total ?? 0;
    return {
      faults: added(past.faults, status?.faults ?? {}),
      // Each run of the simulator counts from 1.
      faultsDue: past.faultsDue + Math.floor(requests / EVERY),
      requests: past.requests + requests,
    };
  };
  const producer = new ServiceProcess('producer', join(dataDir, 'producer'), {
    KAFKA_BROKERS: kafka.brokers,
    TICKETS_TOPIC: TOPIC,
    ZENDESK_URL: first.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: first.source,
    EXPORT_REQUESTS_PER_MINUTE: '3000',
    EXPORT_DELAY_SECONDS: String(DELAY_SECONDS),
    START_TIME: '1',
  });
  let dataStays = true;
  return {
    dataDir,
    simulatorDir,
    kafka,
    producer,
    simulator: () => simulator,
    removeDataAtEnd() {
      dataStays = false;
    },
    figures,
    async restartSimulator(change) {
      const next = { ...settings, ...change };
      if (isDeepStrictEqual(next, settings)) return;
      Object.assign(past, figures());
      const stopping = simulator;
      simulator = undefined;
      await stopping?.stop();
      settings = next;
      simulator = await startSimulator(settings);
    },
    async [Symbol.asyncDispose]() {
      await producer.kill();
      await simulator?.stop();
      await kafka.stop();
      if (!dataStays) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function added(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
