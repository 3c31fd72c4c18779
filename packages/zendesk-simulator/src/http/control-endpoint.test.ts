import { describe, expect, it } from 'vitest';
import { ask } from '../testing/export-reader.ts';
import { digest, firstStart, simulatorFixture } from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('commands over HTTP', () => {
  const post = async (url: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url, { method: 'POST', body: text, headers });
    const answer: { digest?: string; description?: string } = JSON.parse(await response.text());
    return { status: response.status, body: answer };
  };

  it('change, create, delete and scrub tickets', async () => {
    const simulator = await fixture.start();
    const url = `${simulator.url}/simulator/tickets`;
    const changed = await post(`${url}/5`, { status: 'open', priority: 'urgent' });
    expect(changed).toMatchObject({ status: 200, body: { id: 5, generatedTimestamp: firstStart } });
    const shown = (await ask(`${url}/5`, {})).body.toString();
    expect(digest(shown)).toBe(changed.body.digest);
    expect(JSON.parse(shown)).toMatchObject({ status: 'open', priority: 'urgent' });
    expect(await post(url, { subject: 'hello' })).toMatchObject({ status: 201, body: { id: 121 } });
    expect((await post(`${url}/5/scrub`, '')).status).toBe(422);
    await post(`${url}/5`, { status: 'deleted' });
    await post(`${url}/5/scrub`, '');
    expect(JSON.parse(simulator.ticket(5) ?? '')).toMatchObject({ status: 'deleted', subject: 'SCRUBBED' });
  });

  it('keep the digits of a 64-bit number, over a restart too', async () => {
    const simulator = await fixture.start();
    await post(
      `${simulator.url}/simulator/tickets/5`,
      '{"custom_fields":[{"id":12,"value":9223372036854775807}]}',
    );
    expect(simulator.ticket(5)).toContain('{"id":12,"value":9223372036854775807}');
    await fixture.stop(simulator);
    expect((await fixture.start()).ticket(5)).toContain('{"id":12,"value":9223372036854775807}');
  });

  it('leave updated_at where it is as system updates', async () => {
    const simulator = await fixture.start();
    const before = JSON.parse(simulator.ticket(5) ?? '');
    await post(`${simulator.url}/simulator/tickets/5?system=true`, { tags: ['sla_breach'] });
    const after = JSON.parse(simulator.ticket(5) ?? '');
    expect(after.updated_at).toBe(before.updated_at);
    expect(after).toMatchObject({ generated_timestamp: firstStart, tags: ['sla_breach'] });
  });

  it.each([
    ['5', { status: 'gone' }, /status must be one of/],
    ['5', '{', /not JSON/],
    ['5', [], /not an object/],
    ['9999', { status: 'open' }, /there is no ticket 9999/],
    ['0', { status: 'open' }, /there is no ticket 0/],
  ])('are refused with their reason: %s %j', async (id, body, reason) => {
    const simulator = await fixture.start();
    const answer = await post(`${simulator.url}/simulator/tickets/${id}`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.description).toMatch(reason);
    expect(simulator.status().commands).toBe(0);
  });

  it('are refused under a foreign name of this machine', async () => {
    const simulator = await fixture.start();
    for (const host of [
      'evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ]) {
      expect((await ask(`${simulator.url}/simulator/status`, { host })).status).toBe(403);
    }
    expect((await ask(`${simulator.url}/simulator/status`, { host: 'localhost:1' })).status).toBe(200);
  });

  it('show the state, the latest versions and move a clock that stands still', async () => {
    const simulator = await fixture.start({ liveChangesPerMinute: 60 });
    const { body } = await post(`${simulator.url}/simulator/clock`, { advanceSeconds: 120 });
    expect(body).toMatchObject({ now: firstStart + 120, frozen: true, source: simulator.source });
    const lines = (await ask(`${simulator.url}/simulator/latest`, {})).body.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([...simulator.latest()]);
    expect((await post(`${simulator.url}/simulator/clock`, { advanceSeconds: -1 })).status).toBe(422);
  });
});
