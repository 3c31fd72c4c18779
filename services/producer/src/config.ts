import { commonOptions, defineOptions, kafkaOptions, option } from '@ticket-stream/service-kit';

/** Everything the producer can be told; `--help` and `.env.example` are written from this table. */
export const producerOptions = defineOptions({
  ZENDESK_URL: option.url({
    text: 'The account whose tickets are exported.',
    required: true,
    example: 'https://acme.zendesk.com',
    cleartextLoopbackOnly: true,
    originOnly: true,
  }),
  ZENDESK_EMAIL: option.text({
    text: 'An administrator of the account: only administrators may export.',
    required: true,
    example: 'admin@acme.com',
  }),
  ZENDESK_API_TOKEN: option.secret({
    text: 'API token of that administrator; or give ZENDESK_PASSWORD.',
    required: (values) => values['ZENDESK_PASSWORD'] === undefined,
  }),
  ZENDESK_PASSWORD: option.secret({
    text: 'Password of that administrator, where the account still allows it.',
    check: (_, values) =>
      values['ZENDESK_API_TOKEN'] === undefined
        ? undefined
        : { problem: 'is set beside ZENDESK_API_TOKEN', remedy: 'Leave one of the two out.' },
  }),
  START_TIME: option.moment({
    text: 'Where the first export begins; a checkpoint, once there is one, counts instead.',
    required: true,
    example: '2024-01-01',
    check: (second) =>
      second > Date.now() / 1000
        ? { problem: 'is in the future', remedy: 'Give the moment from which tickets are wanted.' }
        : undefined,
  }),
  EXPORT_PER_PAGE: option.integer({
    text: 'Tickets a page.',
    default: 1000,
    min: 1,
    max: 1000,
    unit: 'tickets',
  }),
  EXPORT_REQUESTS_PER_MINUTE: option.integer({
    text: 'Requests spent evenly; Zendesk allows 10, or 30 with the High Volume add-on.',
    default: 10,
    min: 1,
    max: 6000,
    unit: 'requests a minute',
  }),
  EXPORT_DELAY_SECONDS: option.integer({
    text: 'What the export leaves out of the newest time; 60 at Zendesk.',
    default: 60,
    min: 0,
    max: 3600,
    unit: 'seconds',
  }),
  EXPORT_SOURCE: option.text({
    text: "What checkpoint and events call the account; the origin of ZENDESK_URL when not set. A simulator's name has no port in it.",
    pattern: /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/,
    expected: 'a URI',
    charactersMax: 300,
  }),
  EXPORT_ONCE: option.boolean({
    text: 'End with the first page that says it is the end of the stream, instead of polling on.',
    default: false,
  }),
  ACCEPT_TOPIC_SETTINGS: option.boolean({
    text: 'Use an existing tickets topic although it is not compacted.',
    default: false,
  }),
  ...kafkaOptions,
  PRODUCER_PORT: option.port({ text: 'Port of health and status.', default: 7702 }),
  PRODUCER_HOST: option.text({
    text: 'Address to listen on; it asks for no password, so keep it to this machine or to the inside of a container.',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]+$/,
    expected: 'a host name or an IP address',
    charactersMax: 253,
  }),
  ...commonOptions,
});
