/** Changing mode, page size, pace or scope goes on without a loss and without a second copy. */
import { describe, it } from 'vitest';
import { byText, createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { page, ticket } from '../support/scripted-zendesk.ts';

const CURSOR_PATH = '/api/v2/incremental/tickets/cursor';
const first = [1, 2].map((id) => ticket(id, START_SECOND + id));
const boundary = [3, 4].map((id) => ticket(id, START_SECOND + 9));
const fresh = ticket(5, START_SECOND + 12);

type Rig = Awaited<ReturnType<typeof createScriptedProducer>>;
async function publishedIds(rig: Rig): Promise<string[]> {
  return (await rig.versions()).map(({ ticketId }) => ticketId).toSorted(byText);
}

describe.concurrent('changed between two runs', () => {
  it('from time to cursor and back', async ({ expect }) => {
    await using rig = await createScriptedProducer('mode-change');
    rig.producer.start();
    await rig.zendesk.play(page([...first, ...boundary], { end_time: START_SECOND + 9 }));
    await rig.producer.stop();

    const cursorPlay = rig.zendesk.play(
      page([...boundary, fresh], { after_cursor: 'a', end_of_stream: true, count: undefined }),
    );
    rig.producer.start({ EXPORT_MODE: 'cursor', EXPORT_PER_PAGE: '500' });
    const [byCursor, next] = await cursorPlay;
    expect(byCursor).toMatchObject({ path: CURSOR_PATH, startTime: START_SECOND + 9, perPage: 500 });
    expect(next?.cursor).toBe('a');
    await rig.producer.stop();

    const timePlay = rig.zendesk.play(
      page([fresh, ticket(6, START_SECOND + 20)], { end_time: START_SECOND + 20 }),
    );
    rig.producer.start({ EXPORT_MODE: 'time', EXPORT_REQUESTS_PER_MINUTE: '2400' });
    const [byTime] = await timePlay;
    expect(byTime).toMatchObject({ startTime: START_SECOND + 12, cursor: undefined });
    expect(byTime?.path).not.toBe(CURSOR_PATH);
    expect(await publishedIds(rig)).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('a scope that is widened says what it cannot bring back, once, and keeps it on record', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('scope-change', { EXPORT_EXCLUDE_DELETED: 'true' });
    const opening = rig.zendesk.play(page(first, { end_time: START_SECOND + 100 }));
    rig.producer.start();
    await opening;
    await rig.producer.stop();
    expect(rig.producer.log).not.toContain('export reset --to');

    for (let run = 0; run < 2; run++) {
      const playing = rig.zendesk.play(page([], { end_time: START_SECOND + 100 }));
      rig.producer.start({ EXPORT_EXCLUDE_DELETED: 'false' });
      await playing;
      await rig.producer.stop();
    }
    const warnings = rig.log().filter(({ msg }) => msg.includes('export reset --to'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.msg).toContain(new Date(START_SECOND * 1000).toISOString().slice(0, 19));
    expect((await rig.checkpoint())?.exportState.unseen).toEqual([
      { what: 'deleted', from: START_SECOND, until: START_SECOND + 99 },
    ]);
  });
});
