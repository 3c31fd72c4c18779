import type { ConsumerGroup } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { memberLines, requireInactive } from './active-group.ts';
import type { GroupLag } from './group-lag.ts';
import { groupsText, groupText } from './groups-text.ts';

/** Any client of the cluster chooses its own names: these would clear the screen and turn the text around. */
const ODD = 'odd\u001b[2J\u202e\nname';
const SHOWN = 'odd [2J name';

const lag: GroupLag = {
  ...{ group: ODD, state: 'Stable', lag: 0n, lagSeconds: 0 },
  members: [{ clientId: ODD, clientHost: ODD, memberId: ODD, partitions: [0] }],
  partitions: [{ partition: 0, committed: 1n, end: 1n, lag: 0n, lagSeconds: 0, until: undefined }],
};
const active: ConsumerGroup = {
  ...{ group: ODD, state: 'Stable' },
  members: [{ clientId: ODD, clientHost: ODD, memberId: ODD, assigned: new Map() }],
};

function caughtMessage(work: () => void): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing was thrown';
}

describe("names of strangers' groups and members", () => {
  it.each([
    ['the list of groups', groupsText('tickets', [lag])],
    ['one group', groupText('tickets', lag)],
    ['the members of a group', memberLines(active).join('\n')],
    ['the refusal of an active group', caughtMessage(() => requireInactive(active))],
  ])('are text on one line, and nothing else, in %s', (_where, text) => {
    expect(text).toContain(SHOWN);
    expect(text).toMatch(/^[ -~\n]*$/);
    expect(text).not.toMatch(/^name/m);
  });
});
