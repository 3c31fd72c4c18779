import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firstStart, simulatorFixture } from './testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('a restart', () => {
  it('goes on with the same history, live changes and commands included', async () => {
    const first = await fixture.start({ liveChangesPerMinute: 30 });
    first.advance(300);
    first.change(3, { subject: 'by hand', custom_fields: [{ id: 1, value: 'x' }] });
    const created = first.create({ subject: 'new one', tags: ['fresh'] });
    first.advance(300);
    const before = [...first.latest()];
    const { source } = first;
    await fixture.stop(first);
    const second = await fixture.start({
      tickets: undefined,
      liveChangesPerMinute: undefined,
      frozen: firstStart + 600,
    });
    expect([...second.latest()]).toEqual(before);
    expect(second.source).toBe(source);
    expect(second.source).toBe(`simulator:seed=1;tickets=120;start=${firstStart}`);
    expect(JSON.parse(second.ticket(created.id) ?? '')).toMatchObject({
      subject: 'new one',
      tags: ['fresh'],
    });
    expect(second.status()).toMatchObject({ liveChangesPerMinute: 30, commands: 2 });
  });

  it('keeps what happened at an earlier rate when another one is asked for', async () => {
    const first = await fixture.start({ liveChangesPerMinute: 30 });
    first.advance(600);
    const before = [...first.latest()];
    await fixture.stop(first);
    const second = await fixture.start({ liveChangesPerMinute: 0, frozen: firstStart + 600 });
    expect([...second.latest()]).toEqual(before);
    second.advance(600);
    expect(second.status().changes).toBe(first.status().changes);
  });

  it('does not go back behind a command when its clock does', async () => {
    const first = await fixture.start();
    first.advance(1000);
    first.change(3, { priority: 'urgent' });
    await fixture.stop(first);
    const second = await fixture.start({ frozen: firstStart });
    expect(second.status().now).toBe(firstStart + 1000);
    expect(JSON.parse(second.ticket(3) ?? '').priority).toBe('urgent');
    second.advance(10);
    expect(second.status().now).toBe(firstStart + 1010);
  });

  it('drops a command that a kill cut off before it was answered', async () => {
    const first = await fixture.start();
    first.change(3, { subject: 'kept' });
    first.change(4, { subject: 'cut off' });
    await fixture.stop(first);
    const journal = join(fixture.dataDir, 'journal.jsonl');
    truncateSync(journal, statSync(journal).size - 5);
    const second = await fixture.start();
    expect(JSON.parse(second.ticket(3) ?? '').subject).toBe('kept');
    expect(JSON.parse(second.ticket(4) ?? '').subject).not.toBe('cut off');
    second.change(4, { subject: 'again' });
    await fixture.stop(second);
    expect(JSON.parse((await fixture.start()).ticket(4) ?? '').subject).toBe('again');
  });

  it('refuses another history than the one that is there, naming both', async () => {
    await fixture.stop(await fixture.start({ seed: 7 }));
    await expect(fixture.start({ seed: 8, tickets: 99 })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(
        /seed=8 asked for, seed=7 there; tickets=99 asked for, tickets=120 there/,
      ),
    });
  });

  it('refuses a folder that another simulator has', async () => {
    await fixture.start();
    await expect(fixture.start()).rejects.toMatchObject({ code: 'store.locked' });
  });
});
