import { optionsHelp, readOptions } from '@ticket-stream/service-kit';
import { describe, expect, it } from 'vitest';
import { searchOptions } from './config.ts';

const enough = { KAFKA_BROKERS: 'localhost:9092' };

describe("search's options", () => {
  it('need the brokers and nothing else, and stay on this machine', () => {
    expect(readOptions(searchOptions, enough)).toMatchObject({
      TICKETS_TOPIC: 'tickets',
      SEARCH_PORT: 7700,
      SEARCH_HOST: '127.0.0.1',
      SEARCH_ALLOWED_HOSTS: undefined,
    });
  });

  it.each([
    [{ SEARCH_PORT: '70000' }, /SEARCH_PORT: must be at most 65535/],
    [{ SEARCH_HOST: 'http://x' }, /SEARCH_HOST: is not allowed here/],
    [{ SEARCH_ALLOWED_HOSTS: 'search.acme.internal:7700' }, /SEARCH_ALLOWED_HOSTS: .* is no host name/],
  ])('refuse %o', (env, message) => {
    expect(() => readOptions(searchOptions, { ...enough, ...env })).toThrow(message);
  });

  it('are told by --help', () => {
    const help = optionsHelp(searchOptions, { name: 'search', summary: 'Summary.', columns: 100 });
    expect(help).toMatchSnapshot();
  });
});
