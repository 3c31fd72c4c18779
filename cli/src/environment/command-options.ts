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
  zendeskOptions,
} from '@ticket-stream/service-kit';
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { readPublishedRun } from '../up/published-run.ts';

/** What every command needs that looks at the log. */
export const clusterOptions = defineOptions({ ...kafkaOptions, ...commonOptions });
/** What one needs that asks Zendesk. */
export const sourceOptions = defineOptions({
  ...zendeskOptions,
  ...exportOptions,
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
  const env = commandEnvironment({ ...readEnvFile(), ...given(processEnv) }, dataDir);
  try {
    return readOptions(table, env);
  } catch (error) {
    if (!isTicketStreamError(error, 'config.invalid')) throw error;
    throw new TicketStreamError('config.invalid', error.message, {
      context: error.context,
      remedy: `Give the variables that the producer has, or name the folder of a run of "npm start" with --data-dir (${env['DATA_DIR']} has none).`,
    });
  }
}

/** The environment of the producer, as far as it can be known from here. */
function commandEnvironment(env: Environment, dataDir: string | undefined): Environment {
  const rootDir = resolve(dataDir ?? env['DATA_DIR'] ?? '.data');
  const run = readPublishedRun(rootDir);
  const found: Record<string, string | undefined> = { ...env, DATA_DIR: rootDir };
  if (run === undefined) return found;
  const take = (isOfGroup: (name: string) => boolean): void => {
    for (const [name, value] of Object.entries(run.environment)) if (isOfGroup(name)) found[name] = value;
  };
  if (env['KAFKA_BROKERS'] === undefined) take((name) => name in clusterOptions.options);
  if (env['ZENDESK_URL'] === undefined) {
    take((name) => name in exportOptions || name in zendeskOptions);
    if (run.simulator) {
      found['ZENDESK_EMAIL'] = DEFAULT_EMAIL;
      found['ZENDESK_API_TOKEN'] = DEFAULT_TOKEN;
      for (const name of [
        'ZENDESK_PASSWORD',
        'ZENDESK_OAUTH_TOKEN',
        'ZENDESK_OAUTH_CLIENT_ID',
        'ZENDESK_OAUTH_CLIENT_SECRET',
      ])
        delete found[name];
    }
  }
  return found;
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
