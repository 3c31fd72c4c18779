/** How the topics of an account differ from what is wanted, and what `topics apply` does about it. Pure. */
import type { SurveyedTopic, WantedTopic } from '@ticket-stream/kafka';

export interface SettingRow {
  readonly topic: string;
  readonly setting: string;
  readonly wanted: string;
  /** undefined: the topic is missing. */
  readonly real: string | undefined;
  /** Where the real value comes from. */
  readonly from: 'topic' | 'broker default' | undefined;
  readonly verdict: 'as wanted' | 'differs' | 'missing' | 'stays';
}

export interface TopicChanges {
  readonly create: readonly WantedTopic[];
  readonly alter: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** A row a setting that is wanted, the partition count first. */
export function settingRows({ topic, wanted, real }: SurveyedTopic): SettingRow[] {
  if (wanted === undefined) return [];
  const partitions = real?.partitions.length;
  const count: SettingRow = {
    topic,
    setting: 'partitions',
    wanted: String(wanted.partitions),
    real: partitions === undefined ? undefined : String(partitions),
    from: undefined,
    // Fixed at creation: with another count the same ticket would go to another partition, out of its order.
    verdict: partitions === undefined ? 'missing' : partitions === wanted.partitions ? 'as wanted' : 'stays',
  };
  const settings = Object.entries(wanted.settings).map(([setting, value]): SettingRow => {
    const found = real?.settings.get(setting);
    return {
      topic,
      setting,
      wanted: value,
      real: found?.value,
      from: found === undefined ? undefined : found.isOwn ? 'topic' : 'broker default',
      verdict: real === undefined ? 'missing' : found?.value === value ? 'as wanted' : 'differs',
    };
  });
  return [count, ...settings];
}

/** What would have to be done; partition counts are left alone. */
export function changesFor(survey: readonly SurveyedTopic[]): TopicChanges {
  const create = survey.flatMap(({ wanted, real }) =>
    real === undefined && wanted !== undefined ? [wanted] : [],
  );
  const alter = survey.flatMap((each) => {
    const differing = settingRows(each).filter(({ verdict }) => verdict === 'differs');
    if (differing.length === 0) return [];
    return [[each.topic, new Map(differing.map(({ setting, wanted }) => [setting, wanted]))] as const];
  });
  return { create, alter: new Map(alter) };
}

export function isChange({ create, alter }: TopicChanges): boolean {
  return create.length > 0 || alter.size > 0;
}
