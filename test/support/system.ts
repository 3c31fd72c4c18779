import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { ServiceProcess } from './service-process.ts';

export interface System extends AsyncDisposable {
  readonly brokers: string;
  readonly topic: string;
  readonly dataDir: string;
  /** What the services are given, DATA_DIR apart: for more of them. */
  readonly env: NodeJS.ProcessEnv;
  readonly simulator: Simulator;
  readonly producer: ServiceProcess<'producer'>;
  readonly search: ServiceProcess<'search'>;
  readonly alerting: ServiceProcess<'alerting'>;
}

const REQUESTS_PER_MINUTE = 600;

/** A simulator and the three services on the run's broker, none of them started yet but the simulator. */
export async function createSystem(options: {
  readonly name: string;
  readonly simulator: Omit<SimulatorOptions, 'dataDir'>;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<System> {
  const { brokers } = sharedKafka();
  const dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-test-'));
  const topic = `${topicPrefix(options.name)}tickets`;
  const simulator = await startSimulator({
    requestsPerMinute: REQUESTS_PER_MINUTE,
    delaySeconds: 2,
    liveChangesPerMinute: 0,
    ...options.simulator,
    dataDir: join(dataDir, 'simulator'),
  });
  const env = {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: topic,
    ZENDESK_URL: simulator.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: simulator.source,
    EXPORT_REQUESTS_PER_MINUTE: String(REQUESTS_PER_MINUTE),
    EXPORT_DELAY_SECONDS: String(options.simulator.delaySeconds ?? 2),
    START_TIME: '1',
    ...options.env,
  };
  const producer = new ServiceProcess('producer', dataDir, env);
  const search = new ServiceProcess('search', dataDir, env);
  const alerting = new ServiceProcess('alerting', dataDir, env);
  return {
    brokers,
    topic,
    dataDir,
    env,
    simulator,
    producer,
    search,
    alerting,
    async [Symbol.asyncDispose]() {
      await Promise.all([producer.stop(), search.stop(), alerting.stop()]);
      await simulator.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
