import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publishRun } from '../up/published-run.ts';
import { clusterOptions, readCommandOptions, sourceOptions } from './command-options.ts';

function folderOfRun(environment: Record<string, string>, simulator = true): string {
  const path = mkdtempSync(join(tmpdir(), 'ticket-stream-run-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  publishRun(path, environment, simulator);
  return path;
}

const RUN = {
  KAFKA_BROKERS: 'localhost:1111',
  TICKETS_TOPIC: 'of-the-run',
  ZENDESK_URL: 'http://127.0.0.1:2222',
  EXPORT_SOURCE: 'simulator:of-the-run',
  EXPORT_REQUESTS_PER_MINUTE: '600',
  START_TIME: '1',
};

describe('where a command looks', () => {
  it('is the run on the data folder, where nothing is set', () => {
    const options = readCommandOptions(sourceOptions, folderOfRun(RUN), {});
    expect(options).toMatchObject({
      KAFKA_BROKERS: ['localhost:1111'],
      TICKETS_TOPIC: 'of-the-run',
      EXPORT_SOURCE: 'simulator:of-the-run',
      EXPORT_REQUESTS_PER_MINUTE: 600,
    });
    expect(options.ZENDESK_API_TOKEN).toBeDefined();
  });

  it('is the environment for the whole of Kafka, or the whole of the account, never a mix of both', () => {
    const dataDir = folderOfRun(RUN);
    const ownKafka = readCommandOptions(clusterOptions, dataDir, { KAFKA_BROKERS: 'kafka:9092' });
    expect(ownKafka).toMatchObject({ KAFKA_BROKERS: ['kafka:9092'], TICKETS_TOPIC: 'tickets' });
    const ownAccount = readCommandOptions(sourceOptions, dataDir, {
      ZENDESK_URL: 'https://acme.zendesk.com',
      ZENDESK_OAUTH_TOKEN: 'a-token',
      START_TIME: '2024-01-01',
    });
    expect(ownAccount).toMatchObject({
      KAFKA_BROKERS: ['localhost:1111'],
      EXPORT_SOURCE: undefined,
      EXPORT_REQUESTS_PER_MINUTE: 10,
      ZENDESK_API_TOKEN: undefined,
    });
  });

  it('is the run for the whole of Kafka and the account, whatever of them the environment has besides', () => {
    const options = readCommandOptions(
      sourceOptions,
      folderOfRun({ KAFKA_BROKERS: 'localhost:1111', ZENDESK_URL: 'http://127.0.0.1:2222', START_TIME: '1' }),
      {
        TICKETS_TOPIC: 'of-the-shell',
        KAFKA_TLS: 'true',
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: 'ann',
        KAFKA_SASL_PASSWORD: 'pass-word',
        EXPORT_SOURCE: 'simulator:of-the-shell',
        ZENDESK_OAUTH_CLIENT_ID: 'of-the-shell',
        ZENDESK_API_TOKEN_FILE: '/of/the/shell',
      },
    );
    expect(options).toMatchObject({
      KAFKA_BROKERS: ['localhost:1111'],
      TICKETS_TOPIC: 'tickets',
      KAFKA_TLS: false,
      KAFKA_SASL_MECHANISM: undefined,
      KAFKA_SASL_PASSWORD: undefined,
      EXPORT_SOURCE: undefined,
      ZENDESK_OAUTH_CLIENT_ID: undefined,
    });
  });

  it('takes the secrets of a run from the environment: they are in no file of ours', () => {
    const run = {
      ...RUN,
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'ann',
      ZENDESK_URL: 'https://acme.zendesk.com',
      ZENDESK_EMAIL: 'ann@acme.com',
      KAFKA_TLS: 'true',
    };
    const secrets = { KAFKA_SASL_PASSWORD: 'pass-word', ZENDESK_API_TOKEN: 'token' };
    const options = readCommandOptions(sourceOptions, folderOfRun(run, false), secrets);
    expect(options).toMatchObject({ ...secrets, KAFKA_SASL_USERNAME: 'ann', ZENDESK_EMAIL: 'ann@acme.com' });
  });

  it('keeps no secret on disk, nor what its table refuses', () => {
    const dataDir = folderOfRun(
      {
        ...RUN,
        ZENDESK_API_TOKEN: 'topsecret1',
        KAFKA_SASL_PASSWORD: 'topsecret2',
        ZENDESK_URL: 'https://u:topsecret3@acme',
      },
      false,
    );
    const written = readFileSync(join(dataDir, 'run', 'up.json'), 'utf8');
    expect(written).toContain('localhost:1111');
    expect(written).not.toContain('topsecret');
  });

  it('names every option that is missing, and the folder that has no run', () => {
    expect(() => readCommandOptions(clusterOptions, '/no/such/folder', {})).toThrow(
      expect.objectContaining({
        code: 'config.invalid',
        remedy: expect.stringContaining('/no/such/folder has none'),
      }),
    );
  });

  it('is no question where an option is wrong beside a run', () => {
    expect(() => readCommandOptions(clusterOptions, folderOfRun(RUN), { LOG_LEVEL: 'loud' })).toThrow(
      expect.objectContaining({
        code: 'config.invalid',
        message: expect.stringContaining('LOG_LEVEL'),
        remedy: expect.not.stringContaining('has none'),
      }),
    );
  });
});
