import { fileURLToPath } from 'node:url';
import { ticketDigest } from '@ticket-stream/ticket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { copies } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { answer, page, ticket } from '../support/scripted-zendesk.ts';

const SECOND = START_SECOND + 10;
const MB = 1024 * 1024;
const KILLED = ['11', '12', '13', '14'];
const large = (id: number) => ({ description: 'a'.repeat(8 * MB), n: id });
const overLimit = [81, 82, 83, 84].map((id) => ticket(id, SECOND, large(id)));
const withoutTime = [...KILLED, ...KILLED.map((id) => `2${id}`), '71'].map(
  (id) => `{"id":${id},"generated_timestamp":0,"updated_at":"soon"}`,
);

let rig: Awaited<ReturnType<typeof createScriptedProducer>>;

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly ticketId: string | null;
  readonly times: number;
  readonly code: string;
  readonly cause: string;
}

async function listed(): Promise<Listed[]> {
  const { stdout } = await runCommand(['dlq', 'list', '--state', 'all', '--json'], rig.env);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Listed);
}

async function letterOf(ticketId: string): Promise<Listed> {
  const found = (await listed()).find((letter) => letter.ticketId === ticketId);
  if (found === undefined) throw new Error(`no letter about ${ticketId}`);
  return found;
}

async function retry(ticketId: string, ...args: string[]) {
  return runCommand(['dlq', 'retry', (await letterOf(ticketId)).id, ...args], rig.env);
}

/** As Zendesk shows it by its id: without the time of the export. */
function shown(id: string, updatedAt = new Date(SECOND * 1000).toISOString()): string {
  return `{"id":${id},"status":"open","created_at":"${updatedAt}","updated_at":"${updatedAt}","big":9007199254740993}`;
}

function show(id: string, text = shown(id)): void {
  rig.zendesk.tickets.set(id, answer(200, `{"ticket":${text}}`));
}

const versionsOf = async (id: string) => (await rig.versions()).filter(({ ticketId }) => ticketId === id);

beforeAll(async () => {
  rig = await createScriptedProducer('producer-letters');
  rig.producer.start();
  await rig.zendesk.play(
    page([...overLimit, ...withoutTime, ticket(1, SECOND)], { end_time: SECOND + 100 }),
    page([], { end_time: SECOND + 100 }),
  );
  await until('every letter', async () => (await listed()).length === 13);
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("a retry of the producer's letter", () => {
  it('fetches the ticket by its id and publishes it, byte for byte, once', async () => {
    show('81');
    const { stdout, exitCode } = await retry('81');
    expect(stdout).toMatch(/applied +ticket 81, export\n1 applied\.\n$/);
    expect(exitCode).toBe(0);
    const versions = await versionsOf('81');
    expect(versions.map(({ digest }) => digest)).toEqual([ticketDigest(Buffer.from(shown('81')))]);
    expect(await letterOf('81')).toMatchObject({ state: 'applied', times: 1 });
    expect(rig.zendesk.asked).toEqual(['81']);
  });

  it('has the position of the export for its stamp where its own times are older', async () => {
    const position = (await rig.checkpoint())?.exportState.position ?? 0;
    expect(position).toBeGreaterThanOrEqual(SECOND + 99);
    const [version] = await versionsOf('81');
    expect(Date.parse(version?.stamp ?? '') / 1000).toBeGreaterThanOrEqual(SECOND + 99);
    const later = new Date((position + 7_200) * 1000).toISOString().replace('.000Z', 'Z');
    show('71', shown('71', later));
    expect((await retry('71')).exitCode).toBe(0);
    expect((await versionsOf('71')).map(({ stamp }) => stamp)).toEqual([later]);
  });

  it('that is still over the limit is the letter once more, not a loop', async () => {
    const before = rig.zendesk.asked.length;
    show('82', JSON.stringify(large(82)).replace('{', '{"id":82,"updated_at":"2023-11-14T22:13:30Z",'));
    const { stdout, exitCode } = await retry('82');
    expect(stdout).toContain('failed again');
    expect(exitCode).toBe(5);
    expect(await letterOf('82')).toMatchObject({
      ...{ state: 'open', times: 2, code: 'ticket.too_large' },
      cause: expect.stringContaining('still over the size limit'),
    });
    expect(rig.zendesk.asked.length).toBe(before + 1);
    expect(await versionsOf('82')).toEqual([]);
  });

  it('that Zendesk no longer shows is the letter once more, with that cause', async () => {
    expect((await retry('83')).exitCode).toBe(5);
    const letter = await letterOf('83');
    expect(letter).toMatchObject({ state: 'open', times: 2, code: 'ticket.not_shown' });
    expect(letter.cause).toContain('404');
    // What was kept of it is kept.
    const { stdout } = await runCommand(['dlq', 'show', letter.id, '--raw'], rig.env);
    expect(stdout.startsWith('{"id":83,')).toBe(true);
  });

  it('waits out a 429 and a failure, while the export polls on', async () => {
    const answers = [
      answer(429, '{}', { 'retry-after': '1' }),
      answer(503, '{}'),
      answer(200, '{"ticket":{"id":'),
    ];
    let n = 0;
    rig.zendesk.tickets.set('84', (response) =>
      (answers[n++] ?? answer(200, `{"ticket":${shown('84')}}`))(response),
    );
    const before = rig.zendesk.requests.length;
    expect((await retry('84')).exitCode).toBe(0);
    expect(rig.zendesk.asked.filter((id) => id === '84')).toHaveLength(4);
    expect(rig.zendesk.requests.length).toBeGreaterThan(before + 10);
    expect(await versionsOf('84')).toHaveLength(1);
  });

  it('is counted beside the pages, whose books it leaves alone', async () => {
    const status = await rig.status();
    expect(status).toMatchObject({
      lettersApplied: 3,
      lettersFailed: 2,
      published: 1,
      deadLettered: 13,
      exported: 14,
    });
  });
});

describe('a producer killed with -9', () => {
  it.each([
    ['with the ticket fetched', 'ticket-stream:letter:fetched', '11'],
    ['with the ticket sent', 'ticket-stream:send:end', '12'],
    ['before the commit', 'ticket-stream:commit:before', '13'],
    ['after the commit', 'ticket-stream:commit:after', '14'],
  ])('%s publishes it exactly once all the same, and so its outcome', async (_, point, id) => {
    show(id);
    await rig.producer.stop();
    const kill = fileURLToPath(new URL('kill-in-retry.ts', import.meta.url));
    rig.producer.start({ NODE_OPTIONS: `--import=${kill}`, KILL_AT: point });
    expect((await retry(id, '--no-wait')).exitCode).toBe(0);
    await rig.producer.stopped();
    expect(rig.producer.signal).toBe('SIGKILL');
    rig.producer.start();
    await until('the outcome', async () => (await letterOf(id)).state === 'applied');
    // Requests are done in their order: when a later one is, none before it comes again.
    show(`2${id}`);
    expect((await retry(`2${id}`)).exitCode).toBe(0);
    expect(copies(await rig.versions())).toEqual([]);
    expect(await versionsOf(id)).toHaveLength(1);
    const states = (await rig.deadLetters()).filter(
      ({ key, named }) => key?.toString() === id && named['dlq-state'] !== undefined,
    );
    expect(states.map(({ named }) => named['dlq-state'])).toEqual(['retrying', 'applied']);
  });
});
