import type { ConsumerProgress, ProducerProgress } from '@ticket-stream/service-kit';

/** Everything the display and the JSON lines show; filled by events, read a few times a second. */
export interface UpState {
  /** What is being done before the services run, e.g. "fetching Kafka's jars 12 of 44". */
  step: string | undefined;
  readonly source: string;
  readonly dataDir: string;
  /** What commands need in front of them to find this run; empty where they look by themselves. */
  readonly commandPrefix: string;
  readonly notes: string[];
  producer: ProducerProgress | undefined;
  search: ConsumerProgress | undefined;
  alerting: ConsumerProgress | undefined;
  searchUrl: string | undefined;
  alertingUrl: string | undefined;
  /** Published tickets a second, over the last seconds. */
  rate: number;
  maxRssMb: number;
  readonly startedAtMs: number;
}

export function createUpState(source: string, dataDir: string, commandPrefix = ''): UpState {
  return {
    step: 'starting',
    source,
    dataDir,
    commandPrefix,
    notes: [],
    producer: undefined,
    search: undefined,
    alerting: undefined,
    searchUrl: undefined,
    alertingUrl: undefined,
    rate: 0,
    maxRssMb: 0,
    startedAtMs: performance.now(),
  };
}

/** A moving rate: published counts of the last few seconds. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly count: number }[] = [];
  readonly #windowMs = 5_000;

  sample(count: number, nowMs: number): number {
    this.#samples.push({ atMs: nowMs, count });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? nowMs) > this.#windowMs) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    if (first === undefined || nowMs - first.atMs < 500) return 0;
    return Math.max(0, ((count - first.count) * 1000) / (nowMs - first.atMs));
  }
}
