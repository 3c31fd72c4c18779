import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { TicketStreamError } from '@ticket-stream/errors';
import { findJava, findOnPath } from '../find-program.ts';
import { installHint } from '../install-hint.ts';
import { cachedJars, fetchJars, type JarSet, jarCacheDir } from '../jar-cache.ts';

const toolsJars: JarSet = {
  name: 'kafka-tools-4.3.1',
  pomFile: fileURLToPath(new URL('../../tools/pom.xml', import.meta.url)),
  digestsFile: fileURLToPath(new URL('../../tools/jars.sha256', import.meta.url)),
};
const log4jFile = fileURLToPath(new URL('../../tools/log4j2.properties', import.meta.url));

export interface ToolAnswer {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
}

interface ToolOptions {
  /** Given to its standard input, which is empty otherwise. */
  readonly input?: string;
  /** After this it is ended by force. Default: 60 s. */
  readonly timeoutMs?: number;
  /** Options of the Java VM, after our own. */
  readonly jvm?: readonly string[];
}

/**
 * Runs one of Kafka's own command-line tools to its end, whatever its exit code.
 * @param mainClass  e.g. `org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`
 * @throws dev_stack.unavailable  no Java 17+, or the tools' jars cannot be had
 */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  { input = '', timeoutMs = 60_000, jvm = [] }: ToolOptions = {},
): Promise<ToolAnswer> {
  const child = await spawnKafkaTool(mainClass, args, timeoutMs, jvm);
  // A tool that ends without reading its input breaks the pipe; its exit code says how it went.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exitCode(child)]);
  return { stdout, stderr, code };
}

/** The tool as a running process, for output too large to hold. */
export async function spawnKafkaTool(
  mainClass: string,
  args: readonly string[],
  timeoutMs: number,
  jvm: readonly string[] = [],
) {
  const { java, jarsDir } = await findTools();
  // Short-lived and mostly waiting: a small heap, and no compiler threads that take the test's own processor.
  const ours = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xmx256m',
    `-Dlog4j2.configurationFile=${log4jFile}`,
  ];
  return spawn(java, [...ours, ...jvm, '-cp', join(jarsDir, '*'), mainClass, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
}

export function exitCode(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? undefined));
  });
}

let tools: Promise<{ java: string; jarsDir: string }> | undefined;

/** Once a process: the digests of 40 MB are not compared again for every call. */
function findTools() {
  tools ??= lookForTools();
  return tools;
}

async function lookForTools() {
  const env = process.env;
  const java = await findJava(env);
  const maven = await findOnPath('mvn', env);
  const jarsDir = await cachedJars(toolsJars, jarCacheDir(env));
  if (java !== undefined && jarsDir !== undefined) return { java, jarsDir };
  if (java !== undefined && maven !== undefined) {
    return {
      java,
      jarsDir: await fetchJars(toolsJars, jarCacheDir(env), maven, { env, onProgress: () => {} }),
    };
  }
  throw new TicketStreamError(
    'dev_stack.unavailable',
    "Kafka's own tools need Java 17 or newer, and Maven once.",
    {
      remedy: `${await installHint({ java: java === undefined, maven: maven === undefined })}.`,
    },
  );
}
