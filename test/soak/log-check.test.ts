import type { ServedPage } from '@ticket-stream/zendesk-simulator';
import { describe, expect, it } from 'vitest';
import { checkLog, type LogFindings, type LoggedVersion } from './log-check.ts';

const digests = { a: 'a'.repeat(32), b: 'b'.repeat(32), c: 'c'.repeat(32) };
type Name = keyof typeof digests;

function page(
  number: number,
  shows: readonly (readonly [id: number, name: Name])[],
  whole = true,
): ServedPage {
  return {
    page: number,
    mode: 'time',
    whole,
    versions: shows.map(([id, name]) => ({ id, generatedTimestamp: 100, digest: digests[name] })),
  };
}

function logged(offset: number, ticketId: number, name: Name, second = 0): LoggedVersion {
  const stamp = `2026-01-01T00:00:0${second}Z`;
  const digest = digests[name];
  return {
    ticketId,
    digest,
    stamp,
    eventId: `${ticketId}-${second}-${digest}`,
    partition: 0,
    offset: BigInt(offset),
  };
}

const at = (id: number, name: Name) => ({ id, digest: digests[name], visible: true });

/** Ticket 1 is shown as `a`, then as `b`; ticket 2 as `a` on a page that is not committed, then as `b`. */
const pages = [
  page(1, [[1, 'a']]),
  page(2, [[2, 'a']]),
  page(3, [
    [1, 'b'],
    [2, 'b'],
  ]),
];
const good = {
  pages,
  committedPages: new Set([1, 3]),
  log: [logged(0, 1, 'a'), logged(1, 1, 'b', 1), logged(2, 2, 'b', 1)],
  account: [at(1, 'b'), at(2, 'b')],
};

function violations({ missing, invented, copies, outOfOrder, leftBehind }: LogFindings) {
  return Object.fromEntries(
    Object.entries({ missing, invented, copies, outOfOrder, leftBehind }).filter(([, count]) => count > 0),
  );
}

describe('the check of a log', () => {
  it('finds nothing in a log that has every version that was committed, and counts those that moved on', async () => {
    const findings = await checkLog(good);
    expect(violations(findings)).toEqual({});
    expect(findings).toMatchObject({ records: 3, tickets: 2, versionsShown: 4, movedOn: 1, examples: [] });
  });

  it.each([
    ['a version of a committed page that is not there', { log: good.log.slice(1) }, { missing: 1 }],
    [
      'a version of a whole page that is not there, and nothing later of its ticket',
      {
        log: good.log.slice(0, 2),
        committedPages: new Set([1, 3]),
        account: [at(1, 'b')],
        pages: [...pages.slice(0, 2), page(3, [[1, 'b']])],
      },
      { missing: 1 },
    ],
    [
      'a version that only an uncommitted page showed',
      { log: [...good.log.slice(0, 2), logged(2, 2, 'a'), logged(3, 2, 'b', 1)] },
      { invented: 1 },
    ],
    [
      'a version that only a page that was cut showed',
      {
        pages: [...pages, page(4, [[1, 'c']], false)],
        log: [...good.log, logged(3, 1, 'c', 2)],
        account: [at(1, 'c'), at(2, 'b')],
      },
      { invented: 1 },
    ],
    ['a version twice', { log: [...good.log, logged(3, 2, 'b', 1)] }, { copies: 1 }],
    [
      'versions in another order than that of their pages',
      { log: [logged(0, 1, 'b'), logged(1, 1, 'a'), logged(2, 2, 'b')], account: [at(1, 'a'), at(2, 'b')] },
      { outOfOrder: 1 },
    ],
    [
      'a stamp that goes back',
      { log: [logged(0, 1, 'a', 2), logged(1, 1, 'b', 1), logged(2, 2, 'b', 1)] },
      { outOfOrder: 1 },
    ],
    [
      'a ticket in two partitions',
      { log: [logged(0, 1, 'a'), { ...logged(1, 1, 'b', 1), partition: 1 }, logged(2, 2, 'b', 1)] },
      { outOfOrder: 1 },
    ],
    [
      'a ticket whose last version is not the account’s',
      { account: [at(1, 'b'), at(2, 'c')] },
      { leftBehind: 1 },
    ],
    ['a ticket that never came', { account: [...good.account, at(3, 'a')] }, { leftBehind: 1 }],
    ['a ticket that the account does not have', { account: [at(1, 'b')] }, { invented: 1 }],
    [
      'a value other than its event id says',
      { log: [...good.log.slice(0, 2), { ...logged(2, 2, 'b', 1), eventId: `2-1-${digests.c}` }] },
      { invented: 1 },
    ],
    [
      'an account that has not shown everything yet',
      { account: [...good.account, { id: 9, digest: digests.a, visible: false }] },
      { leftBehind: 1 },
    ],
  ])('finds %s', async (_what, change, expected) => {
    expect(violations(await checkLog({ ...good, ...change }))).toEqual(expected);
  });
});
