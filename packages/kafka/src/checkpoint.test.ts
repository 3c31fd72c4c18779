import { describe, expect, it } from 'vitest';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';

const checkpoint: Checkpoint<{ page: number }> = {
  sequence: 7,
  owner: 'an-instance',
  source: 'https://acme.zendesk.com',
  logId: 'a-log',
  nextOffsets: new Map([[3, 9_007_199_254_740_993n]]),
  exportState: { page: 2 },
};
const decode = (text: string) => decodeCheckpoint(Buffer.from(text), (state) => state as { page: number });

describe('a checkpoint', () => {
  it('of before tickets were fetched again says nothing of them, and is read as it was', () => {
    const text = encodeCheckpoint(checkpoint);
    expect(text).not.toContain('nextRetryOffset');
    expect(decode(text)).toEqual(checkpoint);
  });

  it('keeps where their requests go on, digit for digit', () => {
    const later = { ...checkpoint, nextRetryOffset: 9_007_199_254_740_995n };
    expect(decode(encodeCheckpoint(later))).toEqual(later);
  });

  it.each(['one', -1.5, {}])('whose place is %j is unreadable: a guess could do a request twice', (place) => {
    const text = JSON.stringify({ ...JSON.parse(encodeCheckpoint(checkpoint)), nextRetryOffset: place });
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: 'checkpoint.unreadable' }));
  });

  it('is read by a version that does not know a field of it', () => {
    const text = JSON.stringify({ ...JSON.parse(encodeCheckpoint(checkpoint)), later: 1 });
    expect(decode(text)).toEqual(checkpoint);
  });
});
