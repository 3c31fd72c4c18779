import { describe, expect, it } from 'vitest';
import { ask, basic } from '../testing/export-reader.ts';
import { simulatorFixture } from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();
const fields = { status: 'open', tags: ['vip'] };

describe('a ticket by its id', () => {
  it('is shown as it is now, before the export shows it, without the time of the export', async () => {
    const simulator = await fixture.start({ delaySeconds: 60 });
    simulator.change(7, fields);
    for (const path of ['/api/v2/tickets/7.json', '/api/v2/tickets/7']) {
      const { status, body } = await ask(`${simulator.url}${path}`);
      expect(status).toBe(200);
      const { ticket } = JSON.parse(body.toString()) as { ticket: Record<string, unknown> };
      expect(ticket).toMatchObject({ id: 7, ...fields });
      expect(ticket).not.toHaveProperty('generated_timestamp');
      const exported = JSON.parse(simulator.ticket(7) ?? '') as Record<string, unknown>;
      const { generated_timestamp: _left, ...rest } = exported;
      expect(ticket).toEqual(rest);
    }
  });

  it('that is deleted, or was never there, is not found', async () => {
    const simulator = await fixture.start();
    simulator.change(7, { status: 'deleted' });
    for (const id of [7, 999_999]) {
      const { status, body } = await ask(`${simulator.url}/api/v2/tickets/${id}.json`);
      expect(status).toBe(404);
      expect(JSON.parse(body.toString())).toEqual({ error: 'RecordNotFound', description: 'Not found' });
    }
  });

  it('uses nothing of the allowance of the export, and is none of its requests', async () => {
    const simulator = await fixture.start({ requestsPerMinute: 1 });
    for (let n = 0; n < 5; n++)
      expect((await ask(`${simulator.url}/api/v2/tickets/1.json`)).status).toBe(200);
    expect(simulator.status().requests.total).toBe(0);
  });

  it('is for who may export', async () => {
    const simulator = await fixture.start({ credentials: { email: 'a@b.c', token: 't', role: 'agent' } });
    const url = `${simulator.url}/api/v2/tickets/1.json`;
    expect((await ask(url, { authorization: basic('a@b.c/token:t') })).status).toBe(403);
    expect((await ask(url, { authorization: basic('a@b.c/token:x') })).status).toBe(401);
  });
});
