import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { KafkaKind } from './choose-runner.ts';
import type { KafkaProgress } from './progress.ts';
import { startKafka } from './start-kafka.ts';

const help = `A real Kafka on this machine, until Ctrl-C.

  node packages/dev-stack/src/main.ts [options]

  --data-dir <path>            where its data, settings and logs are kept (default: .data/dev-stack/kafka)
  --kafka <auto|java|docker>   run it by Java 17+ (jars by Maven, once), or in a container (default: auto: Java, else Docker)
  --help

  KAFKA_IMAGE                  image of the container (default: apache/kafka:4.4.0)

Prints the address when Kafka answers; without a terminal, one line of JSON: { brokers, kind, pid, takenOver, dataDir }.
`;

const isTerminal = process.stdout.isTTY === true;
const kinds: readonly KafkaKind[] = ['auto', 'java', 'docker'];

async function main(): Promise<void> {
  const options = readArguments();
  if (options === 'help') {
    process.stdout.write(help);
    return;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  const asked = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));

  let died: TicketStreamError | undefined;
  let kafka: Awaited<ReturnType<typeof startKafka>>;
  try {
    kafka = await startKafka({
      ...options,
      onProgress: isTerminal ? showProgress : undefined,
      signal: stopping.signal,
      onDeath(message) {
        died = new TicketStreamError('dev_stack.unavailable', message, { remedy: 'Start it again.' });
        stopping.abort();
      },
    });
  } catch (error) {
    if (stopping.signal.aborted) return;
    throw error;
  }
  const { brokers, kind, pid, takenOver } = kafka;
  process.stdout.write(
    isTerminal
      ? `Kafka answers at ${brokers} (${kind}${takenOver ? ', taken over from an earlier run' : ''}). Ctrl-C ends it.\n`
      : `${JSON.stringify({ brokers, kind, pid, takenOver, dataDir: options.dataDir })}\n`,
  );
  // Nothing else keeps this process alive: the broker is one of its own.
  const alive = setInterval(() => {}, 60_000);
  await asked;
  clearInterval(alive);
  await kafka.stop();
  if (died !== undefined) throw died;
}

function readArguments(): { dataDir: string; kind: KafkaKind } | 'help' {
  let values: { 'data-dir': string; kafka: string; help: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        'data-dir': { type: 'string', default: '.data/dev-stack/kafka' },
        kafka: { type: 'string', default: 'auto' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (values.help) return 'help';
  const kind = kinds.find((known) => known === values.kafka);
  if (kind === undefined) throw invalid(`--kafka is ${kinds.join(', ')}, not '${values.kafka}'.`);
  return { dataDir: resolve(values['data-dir']), kind };
}

function invalid(message: string, cause?: unknown) {
  return new TicketStreamError('config.invalid', message, {
    cause,
    remedy: 'See --help; nothing was started.',
  });
}

function showProgress({ stage, text, done, total }: KafkaProgress): void {
  const count = total === undefined ? '' : ` (${done} of ${total})`;
  process.stdout.write(`\r\u001b[K${text}${count}`);
  if (stage === 'ready') process.stdout.write('\r\u001b[K');
}

try {
  await main();
} catch (thrown) {
  const error = asTicketStreamError(thrown);
  process.stderr.write(`${isTerminal ? '\n' : ''}${error.code}: ${error.message}\n${error.remedy}\n`);
  process.exitCode = error.exitCode;
}
