import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Environment variables in which programs are looked up and run; PATH, JAVA_HOME, HOME, DOCKER_HOST matter here. */
export type Environment = Readonly<Record<string, string | undefined>>;

const oldestJava = 17;

/** @returns the path of a Java that runs Kafka 4 (17 or newer): JAVA_HOME's, else the first on PATH, else Homebrew's */
export async function findJava(env: Environment): Promise<string | undefined> {
  const candidates = [
    ...(env['JAVA_HOME'] ? [join(env['JAVA_HOME'], 'bin', 'java')] : []),
    ...directoriesOf(env).map((directory) => join(directory, 'java')),
    ...(await homebrewJavas()),
  ];
  for (const candidate of new Set(candidates)) {
    if ((await isExecutable(candidate)) && (await javaVersion(candidate, env)) >= oldestJava)
      return candidate;
  }
  return undefined;
}

export async function findOnPath(program: string, env: Environment): Promise<string | undefined> {
  for (const directory of directoriesOf(env)) {
    const candidate = join(directory, program);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

function directoriesOf(env: Environment): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
}

/** Homebrew's openjdk is not put on PATH; its folders are the same on every Mac of a kind. */
async function homebrewJavas(): Promise<string[]> {
  if (process.platform !== 'darwin') return [];
  const found: string[] = [];
  for (const prefix of ['/opt/homebrew/opt', '/usr/local/opt']) {
    const formulas = await readdir(prefix).catch(() => []);
    for (const formula of formulas) {
      if (formula === 'openjdk' || formula.startsWith('openjdk@'))
        found.push(join(prefix, formula, 'bin', 'java'));
    }
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** macOS has a /usr/bin/java that only says that there is none: so Java is asked, not just found. */
function javaVersion(java: string, env: Environment): Promise<number> {
  return new Promise((resolve) => {
    execFile(java, ['-version'], { env: { ...env }, timeout: 20_000 }, (error, stdout, stderr) => {
      const version = /version "(\d+)/.exec(`${stderr}${stdout}`)?.[1];
      resolve(error || version === undefined ? 0 : Number(version));
    });
  });
}
