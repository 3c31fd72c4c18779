import { expect, it } from 'vitest';
import { createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { page, ticket } from '../support/scripted-zendesk.ts';

it('a producer that is killed and started again and again keeps to the pace of its share from life to life', async () => {
  await using rig = await createScriptedProducer('restart-pace', {
    EXPORT_REQUESTS_PER_MINUTE: '24',
    EXPORT_ALLOWANCE_SHARE: '0.5',
  });
  for (let life = 1; life <= 3; life++) {
    const playing = rig.zendesk.play(
      page([ticket(life, START_SECOND + life)], { end_time: START_SECOND + life, end_of_stream: false }),
    );
    rig.producer.start();
    // Killed with the request under way that follows the page.
    await playing;
    await rig.producer.kill();
  }
  const gapsMs = rig.zendesk.requests
    .slice(1)
    .map(({ atMs }, index) => atMs - (rig.zendesk.requests[index]?.atMs ?? 0));
  expect(gapsMs).toHaveLength(5);
  // Seen where they arrive, requests come closer to each other than they were made: the first of each life takes
  // longer, with its connection and code that never ran. Without the share they would be 2.5 s apart.
  expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(60_000 / (24 * 0.5) - 1_500);
  expect(await rig.versions()).toHaveLength(3);
});
