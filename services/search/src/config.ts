import {
  commonOptions,
  consumerOptions,
  defineOptions,
  kafkaOptions,
  option,
} from '@ticket-stream/service-kit';

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** Everything search can be told; `--help` and `.env.example` are written from this table. */
export const searchOptions = defineOptions({
  ...kafkaOptions,
  SEARCH_PORT: option.port({ text: 'Port of the query API.', default: 7700 }),
  SEARCH_HOST: option.text({
    text: 'Address to listen on. The API asks for no password: beyond this machine, put a proxy that does before it.',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]+$/,
    expected: 'a host name or an IP address',
    charactersMax: 253,
  }),
  SEARCH_ALLOWED_HOSTS: option.list({
    text: 'Host names by which the API may be called, besides those of this machine; others get a 403.',
    example: 'search.acme.internal',
    expectedItem: 'host names without port',
    item: (host) => (HOST_NAME.test(host) ? undefined : 'is no host name'),
  }),
  ...consumerOptions,
  ...commonOptions,
});
