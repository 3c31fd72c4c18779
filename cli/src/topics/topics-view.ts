/** What there is to say of an account's topics, asked of the cluster in one go. */
import { type SurveyedTopic, surveyTopics } from '@ticket-stream/kafka';
import { type Cluster, findCheckpoint } from '../environment/cluster.ts';
import { settingRows } from './topic-difference.ts';

export interface TopicsView {
  readonly topics: readonly TopicView[];
  /** Of the newest checkpoint; undefined where nothing was exported yet. */
  readonly log: { readonly logId: string; readonly source: string } | undefined;
}

export interface TopicView {
  readonly surveyed: SurveyedTopic;
  /** First offset and last stable offset of each partition; undefined where the topic is missing. */
  readonly ranges: ReadonlyMap<number, { readonly start: bigint; readonly end: bigint }> | undefined;
}

export async function lookAtTopics(cluster: Cluster): Promise<TopicsView> {
  const { kafka, reader, names } = cluster;
  const survey = await surveyTopics(kafka, names);
  const [topics, found] = await Promise.all([
    Promise.all(
      survey.map(async (surveyed): Promise<TopicView> => {
        if (surveyed.real === undefined) return { surveyed, ranges: undefined };
        const [starts, ends] = await Promise.all([
          reader.startOffsets(surveyed.topic),
          reader.stableEndOffsets(surveyed.topic),
        ]);
        const ranges = new Map(
          [...ends].map(([partition, end]) => [partition, { start: starts.get(partition) ?? 0n, end }]),
        );
        return { surveyed, ranges };
      }),
    ),
    findCheckpoint({ reader, names }),
  ]);
  const log = found && { logId: found.checkpoint.logId, source: found.checkpoint.source };
  return { topics, log };
}

/** docs/replay.md describes its keys. */
export function asJson({ topics, log }: TopicsView): object {
  return {
    logId: log?.logId ?? null,
    source: log?.source ?? null,
    topics: topics.map(({ surveyed, ranges }) => ({
      topic: surveyed.topic,
      exists: surveyed.real !== undefined,
      settings: settingRows(surveyed).map(({ topic: _topic, real, from, ...row }) => ({
        ...row,
        real: real ?? null,
        from: from ?? null,
      })),
      partitions: (surveyed.real?.partitions ?? []).map((partition) => {
        const bytes = surveyed.real?.bytes?.get(partition);
        return {
          partition,
          start: String(ranges?.get(partition)?.start ?? 0n),
          end: String(ranges?.get(partition)?.end ?? 0n),
          bytes: bytes === undefined ? null : String(bytes),
        };
      }),
    })),
  };
}
