import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TicketChange, ticketChange } from '@ticket-stream/ticket';
import { expect, it, onTestFinished } from 'vitest';
import { versionName } from '../support/change-flow.ts';
import { type EffectFaults, findFaults, noFaults, openEffectLog } from './effect-log.ts';

/** Ticket 7 moves through three versions, ticket 8 has one; the offset of a version is ten times its stamp. */
const names = (...stamps: number[]) => stamps.map((stamp) => versionName(stamp, String(stamp)));
const expected = new Map([
  ['7', names(1, 2, 3)],
  ['8', names(1)],
]);

function change(ticketId: string, stamp: number): TicketChange {
  const offset = BigInt(stamp * 10);
  return ticketChange({
    ticketId,
    kind: 'changed',
    ticket: { id: Number(ticketId) },
    value: Buffer.from(''),
    previous: undefined,
    version: { stamp, digest: String(stamp), place: { logId: '', partition: 0, offset } },
    source: '',
    publishedAtMs: 0,
    traceId: undefined,
  });
}

function faultsOf(effects: readonly (readonly [ticketId: string, stamp: number])[]): EffectFaults {
  const folder = mkdtempSync(join(tmpdir(), 'effect-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = openEffectLog(join(folder, 'effects.sqlite'));
  for (const [ticketId, stamp] of effects) log.append('one', [change(ticketId, stamp)]);
  log.close();
  return findFaults(join(folder, 'effects.sqlite'), expected).faults;
}

const right = [
  ['7', 1],
  ['8', 1],
  ['7', 2],
  ['7', 3],
] as const;

it('finds nothing where every version took place once, in order, whatever other tickets do in between', () => {
  expect(faultsOf(right)).toEqual(noFaults);
});

it.each<[string, readonly (readonly [string, number])[], Partial<EffectFaults>]>([
  ['a version that is missing', right.filter(([, stamp]) => stamp !== 2), { lost: 1 }],
  ['a ticket that is missing', right.filter(([id]) => id !== '8'), { lost: 1, lastOff: 1 }],
  ['a version applied again at once', [...right, ['7', 3]], { twice: 1 }],
  ['an older version applied again', [...right, ['7', 2]], { twice: 1, backward: 1, lastOff: 1 }],
  [
    'two versions in the wrong order',
    [
      ['7', 2],
      ['7', 1],
      ['7', 3],
      ['8', 1],
    ],
    { backward: 1 },
  ],
  ['a version that was not to be applied', [...right, ['8', 2]], { unexpected: 1, lastOff: 1 }],
  ['a ticket that nobody expected', [...right, ['9', 1]], { unexpected: 1, lastOff: 1 }],
])('finds %s', (_what, effects, faults) => {
  expect(faultsOf(effects)).toEqual({ ...noFaults, ...faults, examples: expect.anything() });
});
