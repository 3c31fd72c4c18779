import { fileURLToPath } from 'node:url';
import { TicketStreamError } from '@ticket-stream/errors';
import type { BrokerRunner } from './broker-process.ts';
import { dockerAnswers, dockerRunner } from './docker-broker.ts';
import { type Environment, findJava, findOnPath } from './find-program.ts';
import { installHint } from './install-hint.ts';
import { cachedJars, fetchJars, type JarSet, jarCacheDir } from './jar-cache.ts';
import { javaRunner } from './java-broker.ts';
import type { OnProgress } from './progress.ts';

export type KafkaKind = 'auto' | 'java' | 'docker';

const brokerJars: JarSet = {
  name: 'kafka-4.4.0',
  pomFile: fileURLToPath(new URL('../pom.xml', import.meta.url)),
  digestsFile: fileURLToPath(new URL('../jars.sha256', import.meta.url)),
};

interface Choice {
  readonly kind: KafkaKind;
  readonly image: string;
  readonly env: Environment;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Java first: it needs no engine, no image and starts sooner. Maven is wanted only while the jars are not there.
 * @throws dev_stack.unavailable  neither works here; its remedy is the line that installs what is missing
 */
export async function chooseRunner({ kind, image, env, onProgress, signal }: Choice): Promise<BrokerRunner> {
  let java: string | undefined;
  let maven: string | undefined;
  if (kind !== 'docker') {
    java = await findJava(env);
    onProgress({ stage: 'checking_jars', text: "Checking Kafka's jars" });
    const cacheDir = jarCacheDir(env);
    const jars = await cachedJars(brokerJars, cacheDir);
    maven = await findOnPath('mvn', env);
    if (java !== undefined && jars !== undefined) return javaRunner(java, jars, env);
    if (java !== undefined && maven !== undefined) {
      return javaRunner(java, await fetchJars(brokerJars, cacheDir, maven, { env, onProgress, signal }), env);
    }
  }
  if (kind !== 'java' && (await dockerAnswers(env))) return dockerRunner(image, env, onProgress, signal);
  if (kind === 'docker') {
    throw new TicketStreamError('dev_stack.unavailable', 'No Docker engine answers here.', {
      remedy:
        'Start Docker, leave the choice to us (Java 17+ and Maven), or set KAFKA_BROKERS to a cluster that runs.',
    });
  }
  const missing = { java: java === undefined, maven: maven === undefined };
  const what = [...(missing.java ? ['Java 17 or newer'] : []), ...(missing.maven ? ['Maven'] : [])].join(
    ' and ',
  );
  const orDocker = kind === 'auto' ? ', start Docker,' : '';
  throw new TicketStreamError(
    'dev_stack.unavailable',
    `Kafka cannot be started here: ${what} not found${kind === 'auto' ? ', and no Docker engine answers' : ''}.`,
    { remedy: `${await installHint(missing)}${orDocker} or set KAFKA_BROKERS to a cluster that runs.` },
  );
}
