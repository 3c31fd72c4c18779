/**
 * A second that holds more tickets than a page, where Zendesk does not return it whole: read to its end by the cursor
 * endpoint, without a loss and without a copy; where that is refused, nothing is skipped but on an operator's word.
 */
import { describe, it } from 'vitest';
import { byText, createScriptedProducer, lastWords, START_SECOND } from '../support/scripted-producer.ts';
import { answer, page, ticket } from '../support/scripted-zendesk.ts';

const CURSOR_PATH = '/api/v2/incremental/tickets/cursor';
const all = Array.from({ length: 7 }, (_, index) => ticket(index + 1, START_SECOND));
const later = ticket(8, START_SECOND + 5);
const allIds = ['1', '2', '3', '4', '5', '6', '7', '8'];
/** Three of seven, for ever. */
const stuck = page(all.slice(0, 3), { end_time: START_SECOND, end_of_stream: false });
const cursorPage = (tickets: object[], cursor: string, end = false) =>
  page(tickets, { after_cursor: cursor, end_of_stream: end, count: undefined });

type Rig = Awaited<ReturnType<typeof createScriptedProducer>>;
async function publishedIds(rig: Rig): Promise<string[]> {
  return (await rig.versions()).map(({ ticketId }) => ticketId).toSorted(byText);
}

describe.concurrent('a second larger than a page', () => {
  it('is read to its end by the cursor endpoint; what was shown before is not written again', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('stuck-read', { EXPORT_PER_PAGE: '3' });
    rig.producer.start();
    const requests = await rig.zendesk.play(
      stuck,
      cursorPage(all.slice(0, 3), 'a'),
      cursorPage(all.slice(3, 6), 'b'),
      // The end of the second, and what came after it.
      cursorPage([...all.slice(6), later], 'c'),
      page([later], { end_time: START_SECOND + 6, end_of_stream: false }),
    );
    expect(requests.map(({ path, cursor }) => [path === CURSOR_PATH, cursor])).toEqual([
      [false, undefined],
      [true, undefined],
      [true, 'a'],
      [true, 'b'],
      [false, undefined],
      [false, undefined],
    ]);
    expect(requests[1]?.startTime).toBe(START_SECOND);
    expect(requests[4]?.startTime).toBe(START_SECOND + 1);
    expect(await publishedIds(rig)).toEqual(allIds);
    const state = (await rig.checkpoint())?.exportState;
    expect(state).toMatchObject({ next: { mode: 'time', startTime: START_SECOND + 6 }, gaps: [] });
  });

  it('is read on from where it was left, after a kill', async ({ expect }) => {
    await using rig = await createScriptedProducer('stuck-killed', { EXPORT_PER_PAGE: '3' });
    const { rest } = rig.zendesk;
    // The fourth request gets no answer: the producer is killed while it waits for one.
    rig.zendesk.rest = () => {};
    rig.producer.start();
    await rig.zendesk.play(stuck, cursorPage(all.slice(0, 3), 'a'), cursorPage(all.slice(3, 6), 'b'));
    await rig.producer.kill();
    rig.zendesk.rest = rest;
    const playing = rig.zendesk.play(
      cursorPage([...all.slice(6), later], 'c'),
      page([later], { end_time: START_SECOND + 6, end_of_stream: true }),
    );
    rig.producer.start();
    const [first] = await playing;
    expect(first).toMatchObject({ path: CURSOR_PATH, cursor: 'b' });
    expect(await publishedIds(rig)).toEqual(allIds);
  });

  it.for([
    [403, '{"error":{"title":"Forbidden","message":"no"}}'],
    [404, '{"error":"InvalidEndpoint"}'],
    [422, '{"error":"RecordInvalid"}'],
  ] as const)(
    'and refused there (%i): what was shown is committed, then exit code 5 with the remedy',
    async ([status, body], { expect }) => {
      await using rig = await createScriptedProducer(`stuck-${status}`, { EXPORT_PER_PAGE: '3' });
      rig.zendesk.rest = (response, request) =>
        request.path === CURSOR_PATH ? answer(status, body)(response) : stuck(response);
      expect(await rig.producer.start().stopped(), rig.producer.log).toBe(5);
      const words = lastWords(rig.producer.log);
      expect(words?.code).toBe('zendesk.page_stuck');
      expect(words?.message).toContain(`second ${START_SECOND}`);
      expect(words?.remedy).toContain('Raise EXPORT_PER_PAGE');
      expect(words?.remedy).toContain(`ACCEPT_GAP=${START_SECOND}`);
      // By time, by cursor, once more of each: no storm.
      expect(rig.zendesk.requests).toHaveLength(4);
      expect(await publishedIds(rig)).toEqual(['1', '2', '3']);
      expect((await rig.checkpoint())?.exportState).toMatchObject({
        next: { mode: 'second', startTime: START_SECOND },
        gaps: [],
      });
    },
  );

  it('and under a cursor that stands still: anew, then once more by time; then exit code 5, and ACCEPT_GAP steps over it', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('stuck-cursor', { EXPORT_PER_PAGE: '3' });
    rig.zendesk.rest = (response, { path, startTime }) => {
      if (path === CURSOR_PATH) cursorPage(all.slice(0, 4), 'a')(response);
      else if (startTime === START_SECOND) stuck(response);
      else page([later], { end_time: START_SECOND + 5, end_of_stream: true })(response);
    };
    expect(await rig.producer.start().stopped(), rig.producer.log).toBe(5);
    const words = lastWords(rig.producer.log);
    expect(words?.message).toContain(`second ${START_SECOND}`);
    expect(words?.remedy).toContain(`ACCEPT_GAP=${START_SECOND}`);
    expect(
      rig.zendesk.requests.map(({ path, cursor }) => (path === CURSOR_PATH ? (cursor ?? '') : 'time')),
    ).toEqual([...['time', '', 'a', '', 'a'], ...['time', '', 'a']]);
    rig.producer.start({ ACCEPT_GAP: String(START_SECOND), EXPORT_ONCE: 'true' });
    expect(await rig.producer.stopped(), rig.producer.log).toBe(0);
    expect(await publishedIds(rig)).toEqual(['1', '2', '3', '4', '8']);
  });

  it('goes on with larger pages as the remedy says', async ({ expect }) => {
    await using rig = await createScriptedProducer('stuck-larger', { EXPORT_PER_PAGE: '3' });
    rig.zendesk.rest = (response, { path, perPage }) => {
      if (path === CURSOR_PATH) answer(404, '{"error":"InvalidEndpoint"}')(response);
      else if (perPage === 3) stuck(response);
      else page([...all, later], { end_time: START_SECOND + 5, end_of_stream: true })(response);
    };
    expect(await rig.producer.start().stopped()).toBe(5);
    rig.producer.start({ EXPORT_PER_PAGE: '1000', EXPORT_ONCE: 'true' });
    expect(await rig.producer.stopped(), rig.producer.log).toBe(0);
    expect(await publishedIds(rig)).toEqual(allIds);
  });

  it('is stepped over only when its own number is given, and the gap stays on record', async ({ expect }) => {
    await using rig = await createScriptedProducer('stuck-gap', {
      EXPORT_PER_PAGE: '3',
      ACCEPT_GAP: String(START_SECOND - 1),
    });
    rig.zendesk.rest = (response, { path, startTime }) => {
      if (path === CURSOR_PATH) answer(403, '{"error":"Forbidden"}')(response);
      else if (startTime === START_SECOND) stuck(response);
      else page([later], { end_time: START_SECOND + 5, end_of_stream: true })(response);
    };
    expect(await rig.producer.start().stopped()).toBe(5);
    rig.producer.start({ ACCEPT_GAP: String(START_SECOND), EXPORT_ONCE: 'true' });
    expect(await rig.producer.stopped(), rig.producer.log).toBe(0);
    expect(await publishedIds(rig)).toEqual(['1', '2', '3', '8']);
    expect((await rig.checkpoint())?.exportState.gaps).toMatchObject([
      { from: START_SECOND, until: START_SECOND, why: 'stuck' },
    ]);
    expect(rig.producer.log).toContain('stepped over a second');
  });
});

describe.concurrent("the cursor export's own ways to stand still", () => {
  const cursorMode = { EXPORT_MODE: 'cursor', EXPORT_PER_PAGE: '3' };

  it('an empty page with the cursor that was asked for means "nothing yet"', async ({ expect }) => {
    await using rig = await createScriptedProducer('cursor-empty', cursorMode);
    rig.producer.start();
    const requests = await rig.zendesk.play(
      cursorPage(all.slice(0, 3), 'a'),
      cursorPage([], 'a'),
      cursorPage([], 'a'),
      cursorPage(all.slice(3), 'b', true),
    );
    expect(requests.map(({ cursor }) => cursor)).toEqual([undefined, 'a', 'a', 'a', 'b']);
    expect(await publishedIds(rig)).toEqual(allIds.slice(0, 7));
  });

  it('the same cursor under tickets: begins anew at the newest second; then stops, having lost nothing', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('cursor-stuck', cursorMode);
    rig.zendesk.rest = cursorPage([...all.slice(0, 2), later], 'a');
    expect(await rig.producer.start().stopped(), rig.producer.log).toBe(5);
    expect(lastWords(rig.producer.log)?.remedy).toContain('EXPORT_MODE=time');
    const starts = rig.zendesk.requests.map(({ cursor, startTime }) => cursor ?? startTime - START_SECOND);
    expect(starts).toEqual([0, 'a', 5, 'a']);
    // What stands before the newest second comes again with every such page, and is then a copy; no ticket is missing.
    expect(new Set(await publishedIds(rig))).toEqual(new Set(['1', '2', '8']));
  });

  it('a cursor that is not taken any more: begins anew at the newest second, without a copy', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('cursor-refused', cursorMode);
    rig.producer.start();
    const requests = await rig.zendesk.play(
      cursorPage([...all.slice(0, 2), later], 'a'),
      answer(422, '{"error":"InvalidCursor"}'),
      cursorPage([later, ticket(9, START_SECOND + 6)], 'b', true),
    );
    expect(requests.map(({ cursor, startTime }) => cursor ?? startTime - START_SECOND)).toEqual([
      0,
      'a',
      5,
      'b',
    ]);
    expect(await publishedIds(rig)).toEqual(['1', '2', '8', '9']);
  });
});
