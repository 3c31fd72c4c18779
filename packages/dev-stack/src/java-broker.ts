import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import type { BrokerFiles, BrokerIdentity, BrokerProcess, BrokerRunner } from './broker-process.ts';
import { complaintIn } from './complaint.ts';
import type { Environment } from './find-program.ts';
import { identifyProcess, isRunning, signalProcess } from './process-identity.ts';

/**
 * Quick to start rather than quick at its peak. Measured on 2 cores, Java 17, warm disk, until "Kafka Server started":
 * 1.4 s with these, 1.7 s at the very first start of a data directory. A class data archive of our own took it to
 * 0.9 s, but writing one costs 2.5 s at the end of a run and 50 MB, so it is left out.
 */
const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

/** Kafka by the Java of this machine, from a folder of jars. */
export function javaRunner(java: string, jarsDir: string, env: Environment): BrokerRunner {
  const classPath = join(jarsDir, '*');
  return {
    kind: 'java',
    listenHost: '127.0.0.1',
    startTimeoutMs: 60_000,

    runStorageTool(files, args) {
      const command = [
        ...quickStart,
        '-Xmx256m',
        log4j(files),
        '-cp',
        classPath,
        'kafka.tools.StorageTool',
        ...args,
      ];
      return new Promise((resolve, reject) => {
        execFile(java, command, { env: { ...env }, timeout: 60_000 }, (cause, stdout, stderr) => {
          if (cause === null) return resolve();
          const said = complaintIn(`${stderr}${stdout}`);
          reject(
            new TicketStreamError('dev_stack.unavailable', `Kafka's storage could not be made: ${said}`, {
              cause,
            }),
          );
        });
      });
    },

    async launch(files) {
      const command = [
        ...quickStart,
        '-Xms128m',
        '-Xmx512m',
        '-XX:+ExitOnOutOfMemoryError',
        '-Djava.awt.headless=true',
        `-XX:ErrorFile=${join(files.logsDir, 'jvm-crash-%p.txt')}`,
        log4j(files),
        '-cp',
        classPath,
        'kafka.Kafka',
        files.propertiesFile,
      ];
      const output = openSync(join(files.logsDir, 'broker-output.txt'), 'w');
      try {
        // A process group of its own: Ctrl-C in the terminal reaches us, who end the broker after its clients.
        const child = spawn(java, command, {
          cwd: files.dataDir,
          env: { ...env },
          detached: true,
          stdio: ['ignore', output, output],
        });
        const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
        if (identity === undefined) {
          await new Promise((_resolve, reject) => child.once('error', reject));
          throw new TicketStreamError('dev_stack.unavailable', 'Java could not be started.');
        }
        child.unref();
        return javaBroker({ kind: 'java', ...identity });
      } finally {
        closeSync(output);
      }
    },
  };
}

/** A broker's JVM, started here or by a run before this one. */
export function javaBroker(identity: Extract<BrokerIdentity, { kind: 'java' }>): BrokerProcess {
  return {
    identity,
    isRunning: async () => isRunning(identity),
    askToEnd: async () => void signalProcess(identity, 'SIGTERM'),
    kill: async () => void signalProcess(identity, 'SIGKILL'),
    cleanUp: async () => {},
  };
}

function log4j(files: BrokerFiles) {
  return `-Dlog4j2.configurationFile=${files.log4jFile}`;
}
