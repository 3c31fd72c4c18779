import { connectKafka, openLogReader, silentLogger, topicNames } from '@ticket-stream/kafka';
import { defineOptions, kafkaConnection, kafkaOptions, readOptions } from '@ticket-stream/service-kit';
import type { UpState } from './up-state.ts';

/** The last line of `up --once`. `peakRssMb`: the largest resident size that one of the three services reached. */
export interface OnceSummary {
  readonly exported: number;
  readonly published: number;
  readonly search: Readonly<Record<string, number>>;
  readonly alerting: Readonly<Record<string, number>>;
  readonly distinctTickets: number;
  readonly indexedTickets: number;
  readonly peakRssMb: number;
  readonly seconds: number;
}

/** True when both sinks have stored everything up to the producer's last checkpoint. */
export function sinksPassed(state: UpState): boolean {
  const targets = Object.entries(state.producer?.nextOffsets ?? {});
  return [state.search, state.alerting].every(
    (sink) =>
      sink !== undefined &&
      targets.every(([partition, next]) => BigInt(sink.nextOffsets[partition] ?? '0') >= BigInt(next)),
  );
}

export function summarize(state: UpState, distinctTickets: number): OnceSummary {
  return {
    exported: state.producer?.exported ?? 0,
    published: state.producer?.published ?? 0,
    search: { ...state.search?.books },
    alerting: { ...state.alerting?.books, alerts: state.alerting?.alerts ?? 0 },
    distinctTickets,
    indexedTickets: state.search?.indexed ?? 0,
    peakRssMb: Math.round(state.maxRssMb),
    seconds: Math.round((performance.now() - state.startedAtMs) / 100) / 10,
  };
}

/** Different keys in a read_committed reading of the whole topic, by a reader that shares nothing with the sinks. */
export async function countDistinctTickets(env: NodeJS.ProcessEnv, topic: string): Promise<number> {
  const options = readOptions(defineOptions(kafkaOptions), env);
  const reader = await openLogReader(connectKafka(kafkaConnection(options), silentLogger));
  try {
    const names = topicNames(topic);
    const keys = new Set<string>();
    const [from, to] = await Promise.all([
      reader.startOffsets(names.tickets),
      reader.stableEndOffsets(names.tickets),
    ]);
    for await (const records of reader.read(names.tickets, { from, to })) {
      for (const { key } of records) keys.add(key?.toString('latin1') ?? '');
    }
    return keys.size;
  } finally {
    await reader.close();
  }
}
