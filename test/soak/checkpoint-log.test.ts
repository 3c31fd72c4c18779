import { describe, expect, it } from 'vitest';
import { committedPages, type LoggedCheckpoint } from './checkpoint-log.ts';

function checkpoint(sequence: number, owner: string, startTime = 1, position = 0): LoggedCheckpoint {
  return { sequence, owner, exportState: { next: { mode: 'time', startTime }, position } };
}

const life = { claims: [1], begun: [{ sequence: 2, page: 10 }], told: [] };

describe('which pages Kafka committed', () => {
  it('is told by the owner of the checkpoint, not by the producer', () => {
    const killedInDoubt = { claims: [3], begun: [{ sequence: 4, page: 20 }], told: [] };
    const next = { claims: [4], begun: [{ sequence: 5, page: 30 }], told: [{ sequence: 5, page: 30 }] };
    const log = [
      checkpoint(1, 'first'),
      checkpoint(2, 'first'),
      checkpoint(3, 'second'),
      checkpoint(4, 'third'),
      checkpoint(5, 'third'),
    ];
    const found = committedPages(log, [life, killedInDoubt, next]);
    expect([...found.committedPages]).toEqual([10, 30]);
    expect(found.violations).toEqual([]);
  });

  it('takes the later of two attempts of one life at a sequence', () => {
    const twice = { ...life, begun: [...life.begun, { sequence: 2, page: 11 }] };
    const found = committedPages([checkpoint(1, 'first'), checkpoint(2, 'first')], [twice]);
    expect([...found.committedPages]).toEqual([11]);
  });

  it.each([
    ['a commit that was acknowledged and is not there', [checkpoint(1, 'first')], 1],
    [
      'a checkpoint that is missing',
      [checkpoint(1, 'first'), checkpoint(2, 'first'), checkpoint(4, 'second')],
      1,
    ],
    ['a start that goes back', [checkpoint(1, 'first', 5), checkpoint(2, 'first', 4)], 1],
    ['a position that goes back', [checkpoint(1, 'first', 5, 4), checkpoint(2, 'first', 5, 3)], 1],
  ])('finds %s', (_what, log, count) => {
    const told = { ...life, told: life.begun };
    expect(committedPages(log, [told]).violations).toHaveLength(count);
  });
});
