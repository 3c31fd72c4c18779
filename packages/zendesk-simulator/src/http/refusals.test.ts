import { describe, expect, it } from 'vitest';
import { ask, basic } from '../testing/export-reader.ts';
import { exportUrl, firstStart, simulatorFixture } from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

describe('refusals', () => {
  it('answers 401 without credentials and with wrong ones', async () => {
    const simulator = await fixture.start({
      credentials: { email: 'a@b.c', token: 'good', password: 'pass:word' },
    });
    for (const wrong of [undefined, 'a@b.c/token:bad', 'a@b.c:good', 'x@b.c/token:good', '']) {
      const answer = await ask(
        exportUrl(simulator),
        wrong === undefined ? {} : { authorization: basic(wrong) },
      );
      expect(answer.status).toBe(401);
      expect(answer.body.toString()).toBe('{"error":"Couldn\'t authenticate you"}');
    }
    expect((await ask(exportUrl(simulator), { authorization: basic('a@b.c/token:good') })).status).toBe(200);
    expect((await ask(exportUrl(simulator), { authorization: basic('a@b.c:pass:word') })).status).toBe(200);
  });

  it('answers 403 to a user who is no administrator, with an error that is an object', async () => {
    const simulator = await fixture.start({ credentials: { email: 'a@b.c', token: 't', role: 'agent' } });
    const answer = await ask(exportUrl(simulator), { authorization: basic('a@b.c/token:t') });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body.toString()).error.title).toBe('Forbidden');
  });

  it('answers 404 to a path that is not there', async () => {
    const simulator = await fixture.start();
    const answer = await ask(`${simulator.url}/api/v2/incremental/ticket?start_time=0`);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error: 'InvalidEndpoint',
      description: 'Not found',
    });
  });

  it.each(['', 'start_time=', 'start_time=soon', 'start_time=-1'])('answers 400 to "%s"', async (query) => {
    const answer = await ask(exportUrl(await fixture.start(), query));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString()).error).toBe('InvalidValue');
  });

  it.each(['0', '1001', 'all', '-5'])('answers 422 to per_page=%s, with details', async (perPage) => {
    const answer = await ask(exportUrl(await fixture.start(), `start_time=0&per_page=${perPage}`));
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: 'RecordInvalid',
      details: { per_page: [{}] },
    });
  });

  it('answers 400 or, as before, 422 to a start time that is too recent', async () => {
    const today = await fixture.start({ delaySeconds: 60 });
    const tooRecent = `start_time=${firstStart - 60}`;
    const answer = await ask(exportUrl(today, tooRecent));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString()).error).toBe('StartTimeTooRecent');
    expect((await ask(exportUrl(today, `start_time=${firstStart - 61}`))).status).toBe(200);
    await fixture.stop(today);
    const before = await ask(
      exportUrl(await fixture.start({ delaySeconds: 60, tooRecentStatus: 422 }), tooRecent),
    );
    expect(before.status).toBe(422);
    expect(JSON.parse(before.body.toString())).toEqual({
      error: 'InvalidValue',
      description: 'Too recent start_time. Use a start_time older than 60 seconds',
    });
  });

  it('answers 429 from the eleventh request a minute on, with the time to wait, and goes on after it', async () => {
    let nowMs = 0;
    const simulator = await fixture.start({ requestsPerMinute: 10, limitNowMs: () => nowMs });
    for (let request = 0; request < 10; request++) expect((await ask(exportUrl(simulator))).status).toBe(200);
    nowMs = 12_400;
    const answer = await ask(exportUrl(simulator));
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('48');
    expect(Number(answer.headers['x-rate-limit-remaining'])).toBeGreaterThan(600);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error: 'APIRateLimitExceeded',
      description: 'Number of allowed incremental export API requests per minute exceeded',
    });
    nowMs = 60_000;
    expect((await ask(exportUrl(simulator))).status).toBe(200);
    expect(simulator.status().requests).toMatchObject({ total: 12, pages: 11, rateLimited: 1 });
  });
});
