/** A plan made on the log as it is now. */
import type { CommittedOffset } from '@ticket-stream/kafka';
import type { Cluster } from '../environment/cluster.ts';
import { type PlannedPartition, planReplay, type ReplayTarget } from './replay-plan.ts';

export async function planOn(
  { reader, names }: Cluster,
  target: ReplayTarget,
  partitions: readonly number[],
  committed: ReadonlyMap<number, CommittedOffset>,
): Promise<PlannedPartition[]> {
  const topic = names.tickets;
  const [starts, ends, atTime] = await Promise.all([
    reader.startOffsets(topic),
    reader.highWatermarks(topic),
    target.kind === 'time' ? reader.offsetsAt(topic, target.timeMs, 'all') : new Map<number, bigint>(),
  ]);
  const offsets = new Map([...committed].map(([partition, { offset }]) => [partition, offset]));
  return planReplay(target, partitions, offsets, { starts, ends, atTime });
}
