import { join, resolve } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import { kafkaOptions, secretFileName, zendeskOptions } from '@ticket-stream/service-kit';

/** The command line, as commander hands it over. */
export interface UpFlags {
  readonly once?: true;
  readonly tickets?: number;
  readonly seed?: number;
  readonly fresh?: true;
  readonly json?: true;
  readonly kafka: 'auto' | 'java' | 'docker';
}

/** What `up` is going to run, decided before anything is started. */
export interface UpPlan {
  /** A cluster that runs already; undefined: an embedded one. */
  readonly brokers: string | undefined;
  readonly kafkaKind: 'auto' | 'java' | 'docker';
  /** undefined: an account of Zendesk is exported instead. */
  readonly simulator: { readonly tickets: number | undefined; readonly seed: number | undefined } | undefined;
  readonly once: boolean;
  readonly fresh: boolean;
  readonly json: boolean;
  /** DATA_DIR: where commands look for what runs. */
  readonly rootDir: string;
  /** DATA_DIR/<source>: where this source's broker, simulator, index and alerts are kept. */
  readonly dataDir: string;
  /** The services', apart from what is known only once the broker and the simulator run. */
  readonly env: NodeJS.ProcessEnv;
}

const { ZENDESK_URL } = zendeskOptions;

export const SIMULATOR_DEFAULTS = { tickets: 20_000, seed: 1 } as const;

/** @throws config.invalid  naming every contradiction at once */
export function planUp(flags: UpFlags, env: NodeJS.ProcessEnv): UpPlan {
  const brokers = nonEmpty(env['KAFKA_BROKERS']);
  const zendeskUrl = nonEmpty(env['ZENDESK_URL']);
  const problems: string[] = [];
  if (flags.fresh && brokers !== undefined) {
    problems.push('--fresh with KAFKA_BROKERS: it deletes embedded data only. Leave one of the two out.');
  }
  if (flags.fresh && zendeskUrl !== undefined) {
    problems.push('--fresh with ZENDESK_URL: it deletes simulated data only. Leave one of the two out.');
  }
  for (const name of ['tickets', 'seed'] as const) {
    if (flags[name] !== undefined && zendeskUrl !== undefined) {
      problems.push(`--${name} with ZENDESK_URL: only the simulator has it. Leave one of the two out.`);
    }
  }
  // As the producer reads it, but before it is shown: a password may stand in one that is refused.
  const address = zendeskUrl === undefined ? undefined : ZENDESK_URL.schema.safeParse(zendeskUrl.trim());
  if (address?.success === false) {
    const [{ message } = { message: 'is wrong' }] = address.error.issues;
    problems.push(`ZENDESK_URL: ${message}. Give ${ZENDESK_URL.expected}.`);
  }
  if (problems.length > 0) throw new TicketStreamError('config.invalid', problems.join('\n  '));
  const rootDir = resolve(nonEmpty(env['DATA_DIR']) ?? '.data');
  return {
    brokers,
    kafkaKind: flags.kafka,
    simulator: zendeskUrl === undefined ? { tickets: flags.tickets, seed: flags.seed } : undefined,
    once: flags.once ?? false,
    fresh: flags.fresh ?? false,
    json: flags.json ?? process.stdout.isTTY !== true,
    rootDir,
    dataDir: join(rootDir, address?.data === undefined ? 'simulator' : new URL(address.data).hostname),
    env: brokers === undefined ? ofEmbeddedBroker(env) : env,
  };
}

/** It has neither TLS nor logins: what another cluster needs, set for other commands, would keep the services from it. */
function ofEmbeddedBroker(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ofAnother = new Set(Object.keys(kafkaOptions).flatMap((name) => [name, secretFileName(name)]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofAnother.has(name)));
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
