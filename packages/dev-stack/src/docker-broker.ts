import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { TicketStreamError } from '@ticket-stream/errors';
import type { BrokerFiles, BrokerIdentity, BrokerProcess, BrokerRunner } from './broker-process.ts';
import { complaintIn } from './complaint.ts';
import type { Environment } from './find-program.ts';
import type { OnProgress } from './progress.ts';

/** The official image of the version that the pom names. */
export const defaultKafkaImage = 'apache/kafka:4.4.0';

/** @returns whether a Docker engine answers `docker` here */
export async function dockerAnswers(env: Environment): Promise<boolean> {
  const answer = await docker(env, ['version', '--format', '{{.Server.Version}}'], 10_000);
  return answer.code === 0;
}

/**
 * Kafka in a container of the official image's layout (/opt/kafka/bin). The data directory is mounted at its own path
 * and the process runs as the user who started us, so configuration and data are the same files that the Java way
 * uses, and a run may change from one to the other.
 */
export function dockerRunner(
  image: string,
  env: Environment,
  onProgress: OnProgress,
  signal?: AbortSignal,
): BrokerRunner {
  const common = async (files: BrokerFiles) => [
    '--user',
    await containerUser(env),
    '--security-opt',
    'label=disable',
    '--volume',
    `${files.dataDir}:${files.dataDir}`,
    '--env',
    `KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=${files.log4jFile}`,
    '--env',
    `LOG_DIR=${files.logsDir}`,
  ];
  return {
    kind: 'docker',
    // Inside the container; published on the loopback address only.
    listenHost: '0.0.0.0',
    startTimeoutMs: 120_000,

    async runStorageTool(files, args) {
      await haveImage(image, env, onProgress, signal);
      const run = [
        'run',
        '--rm',
        ...(await common(files)),
        '--entrypoint',
        '/opt/kafka/bin/kafka-storage.sh',
        image,
      ];
      await dockerOrFail(env, [...run, ...args], "Kafka's storage could not be made");
    },

    async launch(files, port) {
      await haveImage(image, env, onProgress, signal);
      const container = containerName(files.dataDir);
      // Left by a run that was killed together with its engine.
      await docker(env, ['rm', '--force', container], 30_000);
      const run = ['run', '--detach', '--name', container, '--publish', `127.0.0.1:${port}:${port}`];
      await dockerOrFail(
        env,
        [
          ...run,
          ...(await common(files)),
          '--env',
          'KAFKA_HEAP_OPTS=-Xms128m -Xmx512m',
          '--entrypoint',
          '/opt/kafka/bin/kafka-server-start.sh',
          image,
          files.propertiesFile,
        ],
        "Kafka's container could not be started",
      );
      return dockerBroker({ kind: 'docker', container }, env);
    },
  };
}

/** A broker's container, started here or by a run before this one. */
export function dockerBroker(
  identity: Extract<BrokerIdentity, { kind: 'docker' }>,
  env: Environment,
): BrokerProcess {
  const { container } = identity;
  return {
    identity,
    async isRunning() {
      const answer = await docker(env, ['inspect', '--format', '{{.State.Running}}', container], 10_000);
      return answer.code === 0 && answer.stdout.trim() === 'true';
    },
    askToEnd: async () => void (await docker(env, ['kill', '--signal', 'TERM', container], 10_000)),
    kill: async () => void (await docker(env, ['kill', container], 10_000)),
    cleanUp: async () => void (await docker(env, ['rm', '--force', container], 30_000)),
  };
}

/** One container a data directory, so that the next run finds it by name. */
function containerName(dataDir: string): string {
  return `ticket-stream-kafka-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
}

/** Files in the mounted directory shall be ours. A rootless engine maps its root to us; another user would be a stranger. */
async function containerUser(env: Environment): Promise<string> {
  const info = await docker(env, ['info', '--format', '{{.SecurityOptions}}'], 10_000);
  if (info.stdout.includes('rootless')) return '0:0';
  return `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
}

async function haveImage(
  image: string,
  env: Environment,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await docker(env, ['image', 'inspect', '--format', '{{.Id}}', image], 10_000);
  if (found.code === 0) return;
  onProgress({ stage: 'pulling_image', text: `Pulling ${image}, once for this machine` });
  await dockerOrFail(
    env,
    ['pull', '--quiet', image],
    `The image ${image} could not be pulled`,
    15 * 60_000,
    signal,
  );
}

async function dockerOrFail(
  env: Environment,
  args: readonly string[],
  failure: string,
  timeoutMs = 60_000,
  signal?: AbortSignal,
) {
  const answer = await docker(env, args, timeoutMs, signal);
  signal?.throwIfAborted();
  if (answer.code === 0) return;
  const said = complaintIn(`${answer.stderr}${answer.stdout}`);
  throw new TicketStreamError('dev_stack.unavailable', `${failure}: ${said}`, {
    remedy:
      'Check the Docker engine and KAFKA_IMAGE, install Java 17+ and Maven instead, or set KAFKA_BROKERS.',
  });
}

interface DockerAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function docker(
  env: Environment,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<DockerAnswer> {
  return new Promise((resolve) => {
    execFile(
      'docker',
      [...args],
      { env: { ...env }, timeout: timeoutMs, ...(signal && { signal }) },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: stderr || (error === null ? '' : error.message) });
      },
    );
  });
}
