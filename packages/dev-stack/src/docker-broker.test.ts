import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startKafka } from './start-kafka.ts';
import { makeTestDataDir } from './testing/test-data.ts';

let folder: string;
beforeEach(async () => {
  folder = await makeTestDataDir('docker-image');
});
afterEach(() => rm(folder, { recursive: true }));

/** A `docker` whose engine answers and whose registry has nothing. */
async function emptyDocker(env: Record<string, string>): Promise<Record<string, string>> {
  const program = join(folder, 'docker');
  await writeFile(
    program,
    `#!/bin/sh
case "$1" in
  version) echo 20.10.24 ;;
  info) echo ;;
  *) echo "no such image" >&2; exit 1 ;;
esac
`,
  );
  await chmod(program, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin`, ...env };
}

test.each([
  [{ KAFKA_IMAGE: 'registry.acme.internal/kafka:4.4.0' }, 'registry.acme.internal/kafka:4.4.0'],
  [{ KAFKA_IMAGE: '' }, 'apache/kafka:4.4.0'],
  [{}, 'apache/kafka:4.4.0'],
])('with %o the container is one of %s, whoever starts it', async (named, image) => {
  const env = await emptyDocker(named);
  await expect(startKafka({ dataDir: join(folder, 'kafka'), kind: 'docker', env })).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: expect.stringContaining(`The image ${image} could not be pulled`),
  });
});
