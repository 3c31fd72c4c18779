/**
 * Where commands find the log and the export: the producer's own variables, from the environment or a file .env, and
 * for what is not set there, the run of `up` on the data folder.
 *
 * Kafka and the account are each taken whole from one of the two, never mixed: the name of a simulator beside the
 * URL of an account would compare one with the other.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  commonOptions,
  defineOptions,
  type Environment,
  exportOptions,
  kafkaOptions,
  type OptionTable,
  type OptionValues,
  readOptions,
  secretFileName,
  zendeskOptions,
} from '@ticket-stream/service-kit';
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { type PublishedRun, readPublishedRun } from '../up/published-run.ts';

const { TICKETS_TOPIC } = commonOptions;
const ofKafka = { ...kafkaOptions, TICKETS_TOPIC };
const ofAccount = { ...zendeskOptions, ...exportOptions };

/** What every command needs that looks at the log. */
export const clusterOptions = defineOptions({ ...kafkaOptions, ...commonOptions });
/** What one needs that asks Zendesk. */
export const sourceOptions = defineOptions({
  ...ofAccount,
  ...kafkaOptions,
  ...commonOptions,
});

/**
 * @param dataDir  as the command line has it; else DATA_DIR counts
 * @returns        every option's value; DATA_DIR as an absolute path
 * @throws config.invalid  all wrong and missing options in one message
 */
export function readCommandOptions<Table extends OptionTable>(
  table: Table,
  dataDir: string | undefined,
  processEnv: Environment = process.env,
): OptionValues<Table> {
  const env = { ...readEnvFile(), ...given(processEnv) };
  const rootDir = resolve(dataDir ?? env['DATA_DIR'] ?? '.data');
  const run = readPublishedRun(rootDir);
  try {
    return readOptions(table, { ...(run === undefined ? env : besideRun(env, run)), DATA_DIR: rootDir });
  } catch (error) {
    if (!isTicketStreamError(error, 'config.invalid')) throw error;
    const orRun =
      run === undefined
        ? `, or name the folder of a run of "npm start" with --data-dir (${rootDir} has none)`
        : '';
    throw new TicketStreamError('config.invalid', error.message, {
      context: error.context,
      remedy: `Give the variables that the producer has${orRun}.`,
    });
  }
}

/** The environment of the producer, as far as it can be known from here. */
function besideRun(env: Environment, run: PublishedRun): Environment {
  const found: Record<string, string | undefined> = { ...env };
  if (env['KAFKA_BROKERS'] === undefined) takeWhole(ofKafka, run, found);
  if (env['ZENDESK_URL'] === undefined) {
    takeWhole(ofAccount, run, found);
    if (run.simulator)
      Object.assign(found, { ZENDESK_EMAIL: DEFAULT_EMAIL, ZENDESK_API_TOKEN: DEFAULT_TOKEN });
  }
  return found;
}

/** What the run has none of is not set; but its secrets, which are not written down, are those found here. */
function takeWhole(
  options: OptionTable['options'],
  run: PublishedRun,
  found: Record<string, string | undefined>,
): void {
  for (const [name, { secret }] of Object.entries(options)) {
    if (secret && hasSecret(run, name)) continue;
    delete found[name];
    if (secret) delete found[secretFileName(name)];
    const value = run.environment[name];
    if (value !== undefined) found[name] = value;
  }
}

/** Of the secrets that go with another option, those are refused that stand alone. */
function hasSecret({ environment, simulator }: PublishedRun, name: string): boolean {
  const other = {
    KAFKA_SASL_PASSWORD: 'KAFKA_SASL_MECHANISM',
    KAFKA_TLS_KEY_PASSPHRASE: 'KAFKA_TLS_KEY',
    ZENDESK_OAUTH_CLIENT_SECRET: 'ZENDESK_OAUTH_CLIENT_ID',
  }[name];
  if (simulator && name in ofAccount) return false;
  return other === undefined || environment[other] !== undefined;
}

/** As the npm scripts read it: the environment comes first. */
function readEnvFile(): Environment {
  try {
    return given(parseEnv(readFileSync('.env', 'utf8')));
  } catch {
    return {};
  }
}

/** Set to nothing, as `NAME=` in a file, is not set. */
function given(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
}
