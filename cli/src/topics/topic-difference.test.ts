import type { SurveyedTopic } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { changesFor, isChange, settingRows } from './topic-difference.ts';
import { differenceText } from './topics-text.ts';

const wanted = {
  topic: 'tickets',
  partitions: 12,
  settings: { 'cleanup.policy': 'compact', 'segment.ms': '600000' },
};

function surveyed(partitions: number, settings: Record<string, string>): SurveyedTopic {
  return {
    topic: 'tickets',
    wanted,
    real: {
      partitions: Array.from({ length: partitions }, (_, at) => at),
      settings: new Map(Object.entries(settings).map(([name, value]) => [name, { value, isOwn: true }])),
      bytes: undefined,
    },
  };
}

const missing: SurveyedTopic = { topic: 'tickets', wanted, real: undefined };
const asWanted = surveyed(12, { 'cleanup.policy': 'compact', 'segment.ms': '600000' });
const different = surveyed(6, { 'cleanup.policy': 'compact,delete', 'segment.ms': '600000' });
const retries: SurveyedTopic = { ...asWanted, topic: 'tickets.retry.billing', wanted: undefined };

describe('what is done about a topic', () => {
  it('is nothing where it is as wanted, or none of those that every account has', () => {
    expect(isChange(changesFor([asWanted, retries]))).toBe(false);
  });

  it('is to make it where it is missing', () => {
    expect(changesFor([missing]).create).toEqual([wanted]);
  });

  it('is to set what differs and nothing else, and never the partition count', () => {
    expect([...changesFor([different]).alter]).toEqual([
      ['tickets', new Map([['cleanup.policy', 'compact']])],
    ]);
    expect(settingRows(different).map(({ setting, verdict }) => [setting, verdict])).toEqual([
      ['partitions', 'stays'],
      ['cleanup.policy', 'differs'],
      ['segment.ms', 'as wanted'],
    ]);
  });

  it('says why a partition count stays', () => {
    const view = { topics: [{ surveyed: different, ranges: undefined }], log: undefined };
    expect(differenceText(view, { executed: false })).toBe(
      [
        'TOPIC    SETTING         WANTED   REAL            FROM',
        'tickets  partitions      12       6                      stays',
        'tickets  cleanup.policy  compact  compact,delete  topic  differs',
        '',
        'Partition counts stay as they are: with another one a ticket would go to another partition, out of its order.',
        'With --dry-run nothing is changed. It would be: settings of 1 topic changed, all others left as they were.',
      ].join('\n'),
    );
  });
});
