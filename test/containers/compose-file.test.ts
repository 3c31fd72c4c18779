import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alertingOptions } from '../../services/alerting/src/config.ts';
import { producerOptions } from '../../services/producer/src/config.ts';
import { searchOptions } from '../../services/search/src/config.ts';

interface ComposeService {
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly read_only?: boolean;
  readonly mem_limit?: string;
}

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
};
const simulatorEnv = parseEnv(read('simulator.env'));

const tables = { producer: producerOptions, search: searchOptions, alerting: alertingOptions };
/** Where a container stands is said by its image and by the Compose file, not by the user: Kafka is the one beside it. */
const fixed =
  /^(KAFKA_TLS(_.*)?|KAFKA_SASL_.*|KAFKA_ALLOW_CLEARTEXT_PASSWORD|DATA_DIR|[A-Z]+_PORT|[A-Z]+_HOST)$/;

describe('docker-compose.yml', () => {
  it.each(Object.entries(tables))('hands %s its own options, all of them, and no other’s', (name, table) => {
    const handed = Object.keys(compose.services[name]?.environment ?? {}).filter(
      (option) => !option.startsWith('OTEL_'),
    );
    const wanted = Object.keys(table.options).filter((option) => !fixed.test(option));
    expect(new Set(handed)).toEqual(new Set(wanted));
  });

  it('holds no secret', () => {
    const secrets = Object.entries(compose.services).flatMap(([service, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([name, value]) => /TOKEN|PASSWORD|SECRET/.test(name) && value !== null)
        .map(([name]) => `${service}: ${name}`),
    );
    expect(secrets).toEqual([]);
  });

  it('publishes every port to this machine only', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports).toHaveLength(4);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('confines every container', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service, name).toMatchObject({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.any(String),
        ...(name === 'kafka' ? {} : { read_only: true }),
      });
    }
  });
});

describe('simulator.env', () => {
  it('names the account that the simulator accepts, and options that there are', () => {
    expect(simulatorEnv).toMatchObject({ ZENDESK_EMAIL: DEFAULT_EMAIL, ZENDESK_API_TOKEN: DEFAULT_TOKEN });
    const options = Object.keys(simulatorEnv).filter((name) => name !== 'COMPOSE_PROFILES');
    expect(Object.keys(producerOptions.options)).toEqual(expect.arrayContaining(options));
  });
});
