import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { commonOptions } from './common-options.ts';
import { kafkaOptions } from './kafka-options.ts';
import { option } from './option.ts';
import {
  defineOptions,
  effectiveOptions,
  isOptionSet,
  optionWarnings,
  readOptions,
  secretValues,
} from './options.ts';
import { optionsEnvExample, optionsHelp } from './options-help.ts';

const producerLike = defineOptions(
  {
    ZENDESK_URL: option.url({
      text: 'Address of the help desk.',
      required: true,
      example: 'https://acme.zendesk.com',
      cleartextLoopbackOnly: true,
      originOnly: true,
    }),
    ZENDESK_EMAIL: option.text({
      text: 'E-mail address of the user that reads the export.',
      pattern: /^\S+@\S+$/,
      expected: 'an e-mail address',
      required: true,
    }),
    ZENDESK_API_TOKEN: option.secret({
      text: 'API token of that user.',
      required: (values) => values['ZENDESK_PASSWORD'] === undefined,
    }),
    ZENDESK_PASSWORD: option.secret({ text: 'Password of that user, in place of a token.' }),
    START_TIME: option.moment({ text: 'From when on tickets are exported.', min: 0 }),
    EXPORT_PER_PAGE: option.integer({
      text: 'Tickets on a page.',
      default: 1000,
      min: 1,
      max: 1000,
      unit: 'tickets',
    }),
    MAX_EVENT_AGE: option.duration({ text: 'Older events are history.', unit: 's', default: '6h' }),
    PRODUCER_PORT: option.port({ text: 'Port of health and metrics.', default: 7702 }),
  },
  {
    check: (values) =>
      values.ZENDESK_API_TOKEN !== undefined && values.ZENDESK_PASSWORD !== undefined
        ? [
            {
              option: 'ZENDESK_PASSWORD',
              comparedWith: ['ZENDESK_API_TOKEN'],
              problem: 'is set, and so is ZENDESK_API_TOKEN',
              remedy: 'Leave one of them out.',
            },
          ]
        : [],
  },
);

const goodEnv = {
  ZENDESK_URL: 'https://acme.zendesk.com/',
  ZENDESK_EMAIL: 'ann@acme.example',
  ZENDESK_API_TOKEN: 'tok-123456',
};

function refusal(read: () => unknown): TicketStreamError {
  try {
    read();
  } catch (error) {
    if (error instanceof TicketStreamError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** One option read alone. */
function readOne<Value>(one: ReturnType<typeof option.text> | { kind: string }, raw: string): Value {
  const table = defineOptions({ ONE: one as ReturnType<typeof option.text> });
  return readOptions(table, { ONE: raw }).ONE as unknown as Value;
}

describe('reading options', () => {
  it('gives values in the types and units of the table, defaults where nothing is set', () => {
    const values = readOptions(producerLike, { ...goodEnv, START_TIME: '2026-01-31', EXPORT_PER_PAGE: '' });
    const url: string = values.ZENDESK_URL;
    const startTime: number | undefined = values.START_TIME;
    const perPage: number = values.EXPORT_PER_PAGE;
    expect(url).toBe('https://acme.zendesk.com');
    expect(startTime).toBe(Date.parse('2026-01-31T00:00:00Z') / 1000);
    expect(perPage).toBe(1000);
    expect(values.MAX_EVENT_AGE).toBe(6 * 3600);
    expect(values.ZENDESK_PASSWORD).toBeUndefined();
  });

  it('names every wrong, missing and contradicting option at once, each with its remedy', () => {
    const error = refusal(() =>
      readOptions(producerLike, {
        ZENDESK_URL: 'http://acme.zendesk.com',
        ZENDESK_API_TOKEN: 'tok-123456',
        ZENDESK_PASSWORD: 'pass-word',
        START_TIME: 'yesterday',
        EXPORT_PER_PAGE: '5000',
        MAX_EVENT_AGE: '90',
        PRODUCER_PORT: '70000',
      }),
    );
    expect(error.code).toBe('config.invalid');
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatchInlineSnapshot(`
      "7 options are wrong:
        ZENDESK_URL: would send credentials in clear: http:// is for this machine only (got "http://acme.zendesk.com")
          → Give an https:// URL without credentials in it, or http:// to this machine.
        ZENDESK_EMAIL: is missing
          → Give an e-mail address. E-mail address of the user that reads the export.
        ZENDESK_PASSWORD: is set, and so is ZENDESK_API_TOKEN
          → Leave one of them out.
        START_TIME: is neither epoch seconds nor a date with its zone (got "yesterday")
          → Give epoch seconds, or a date such as 2026-01-31 or 2026-01-31T08:00:00Z.
        EXPORT_PER_PAGE: must be at most 1000 (got "5000")
          → Give a whole number of tickets from 1 to 1000.
        MAX_EVENT_AGE: has no unit (ms, s, m, h or d) (got "90")
          → Give a duration with its unit, such as 90s, 15m or 6h.
        PRODUCER_PORT: must be at most 65535 (got "70000")
          → Give a port number from 1 to 65535, or 0 for any free one."
    `);
    expect(error.context['options']).toBe(
      'ZENDESK_URL, ZENDESK_EMAIL, ZENDESK_PASSWORD, START_TIME, EXPORT_PER_PAGE, MAX_EVENT_AGE, PRODUCER_PORT',
    );
  });

  it('says in the singular what is wrong with one', () => {
    const error = refusal(() => readOptions(producerLike, { ...goodEnv, ZENDESK_EMAIL: '  ' }));
    expect(error.message).toMatch(
      /^An option is wrong:\n {2}ZENDESK_EMAIL: is missing\n {4}→ Give an e-mail address/,
    );
  });

  it('never shows the value of a secret, nor a password that stands in a URL or a list', () => {
    const table = defineOptions({
      ...producerLike.options,
      SOME_LIST: option.list({ text: 'Some.', item: () => 'is wrong', default: [] }),
    });
    const error = refusal(() =>
      readOptions(table, {
        ...goodEnv,
        ZENDESK_API_TOKEN: 'hunter2\nhunter3',
        ZENDESK_URL: 'https://ann:hunter4@acme.zendesk.com/x',
        SOME_LIST: 'ann:hunter5@broker:9092',
      }),
    );
    expect(error.message).not.toMatch(/hunter/);
    expect(error.message).toContain('ZENDESK_API_TOKEN: has a line break');
    expect(error.message).toContain('ZENDESK_URL: has credentials in it');
    expect(error.message).toContain('SOME_LIST: "…@broker:9092" is wrong');
  });

  it('does not report what only follows from an option that is wrong by itself', () => {
    const table = defineOptions({ ...kafkaOptions });
    const error = refusal(() =>
      readOptions(table, {
        KAFKA_BROKERS: 'broker:9092',
        KAFKA_SASL_MECHANISM: 'kerberos',
        KAFKA_SASL_USERNAME: 'ann',
      }),
    );
    expect(error.context['options']).toBe('KAFKA_SASL_MECHANISM');
  });

  it('tells an option that the environment gives from one that has its default', () => {
    expect(isOptionSet({ PRODUCER_PORT: '7702' }, 'PRODUCER_PORT')).toBe(true);
    expect(isOptionSet({ PRODUCER_PORT: ' ' }, 'PRODUCER_PORT')).toBe(false);
    expect(isOptionSet({}, 'PRODUCER_PORT')).toBe(false);
  });

  it('shows effective values with secrets masked and times readable', () => {
    const values = readOptions(producerLike, { ...goodEnv, START_TIME: '0' });
    expect(effectiveOptions(producerLike, values)).toEqual({
      ZENDESK_URL: 'https://acme.zendesk.com',
      ZENDESK_EMAIL: 'ann@acme.example',
      ZENDESK_API_TOKEN: '(set)',
      START_TIME: '1970-01-01T00:00:00Z',
      EXPORT_PER_PAGE: 1000,
      MAX_EVENT_AGE: '6h',
      PRODUCER_PORT: 7702,
    });
  });

  it('warns of names that look like a misspelt option, and of no others', () => {
    const warnings = optionWarnings(producerLike, {
      ...goodEnv,
      ZENDESK_TOKEN: 'x',
      ZENDESK_UR: 'x',
      EXPORT_PERPAGE: '3',
      START_TIMES: 'x',
      ZENDESK_SUBDOMAIN: 'x',
      EXPORT_HOST: 'x',
      PRODUCER_HOST: 'x',
      PATH: '/bin',
      ZENDESK_EMAILS: '',
    });
    expect(warnings).toEqual([
      'ZENDESK_TOKEN is no option and has no effect; did you mean ZENDESK_API_TOKEN?',
      'ZENDESK_UR is no option and has no effect; did you mean ZENDESK_URL?',
      'EXPORT_PERPAGE is no option and has no effect; did you mean EXPORT_PER_PAGE?',
      'START_TIMES is no option and has no effect; did you mean START_TIME?',
    ]);
  });
});

describe('the kinds of option', () => {
  const accepted: [string, { kind: string }, string, unknown][] = [
    ['a whole number', option.integer({ text: '' }), '+12', 12],
    ['a truth in words', option.boolean({ text: '' }), 'YES', true],
    ['a truth in digits', option.boolean({ text: '' }), '0', false],
    ['a choice in capitals', option.choice({ text: '', of: ['plain', 'scram'] }), 'PLAIN', 'plain'],
    ['epoch seconds', option.moment({ text: '' }), '1767225600', 1_767_225_600],
    ['a moment with its zone', option.moment({ text: '' }), '2026-01-01T01:00:00.900+01:00', 1_767_225_600],
    ['a duration of parts in ms', option.duration({ text: '', unit: 'ms' }), '1m 30s', 90_000],
    ['a duration in s', option.duration({ text: '', unit: 's' }), '1.5h', 5400],
    ['nothing at all as a duration', option.duration({ text: '', unit: 's' }), '0', 0],
    ['several texts', option.list({ text: '' }), ' a, b ,,c', ['a', 'b', 'c']],
    ['an absolute path', option.path({ text: '' }), '/data/x', '/data/x'],
    ['a path from here', option.path({ text: '' }), 'x', `${process.cwd()}/x`],
    ['any free port', option.port({ text: '' }), '0', 0],
    [
      'a URL with a slash at the end of its path',
      option.url({ text: '' }),
      'https://a.example/hook/',
      'https://a.example/hook/',
    ],
    ['a URL with a query', option.url({ text: '' }), 'https://a.example/h?x=1', 'https://a.example/h?x=1'],
    [
      'a clear-text URL to this machine',
      option.url({ text: '', cleartextLoopbackOnly: true }),
      'http://127.0.0.1:8080',
      'http://127.0.0.1:8080',
    ],
    [
      'a clear-text URL to this machine by IPv6',
      option.url({ text: '', cleartextLoopbackOnly: true }),
      'http://[::1]:8080/',
      'http://[::1]:8080',
    ],
  ];
  it.each(accepted)('takes %s', (_what, one, raw, value) => {
    expect(readOne(one, raw)).toEqual(value);
  });

  const refused: [string, { kind: string }, string, string][] = [
    ['a fraction as a whole number', option.integer({ text: '' }), '1.5', 'is not a whole number'],
    ['a number with its unit glued on', option.integer({ text: '' }), '10s', 'is not a whole number'],
    ['a number below the limit', option.integer({ text: '', min: 3 }), '2', 'must be at least 3'],
    ['a hexadecimal number', option.integer({ text: '' }), '0x10', 'is not a whole number'],
    ['maybe', option.boolean({ text: '' }), 'maybe', 'is neither true nor false'],
    ['a choice that is none', option.choice({ text: '', of: ['a', 'b'] }), 'c', 'is not one of the choices'],
    ['milliseconds as a moment', option.moment({ text: '' }), '1767225600000', 'looks like milliseconds'],
    [
      'a moment without its zone',
      option.moment({ text: '' }),
      '2026-01-01T01:00:00',
      'is neither epoch seconds',
    ],
    ['a day that does not exist', option.moment({ text: '' }), '2026-02-30', 'is neither epoch seconds'],
    [
      'a moment before the first',
      option.moment({ text: '', min: 86_400 }),
      '1970-01-01',
      'must be at least 1970-01-02',
    ],
    ['a duration without unit', option.duration({ text: '', unit: 's' }), '90', 'has no unit'],
    [
      'a duration over the limit',
      option.duration({ text: '', unit: 's', max: '1h' }),
      '61m',
      'must be at most 1h',
    ],
    ['a list of commas', option.list({ text: '' }), ',,', 'names nothing'],
    ['a path that only a shell understands', option.path({ text: '' }), '~/data', 'begins with ~'],
    ['a port that is none', option.port({ text: '' }), '65536', 'must be at most 65535'],
    ['a URL without scheme', option.url({ text: '' }), 'acme.zendesk.com', 'is not a URL with its scheme'],
    [
      'a URL of another scheme',
      option.url({ text: '' }),
      'ftp://acme.zendesk.com',
      'must begin with https://',
    ],
    ['a URL with credentials', option.url({ text: '' }), 'https://u:p@a.example', 'has credentials in it'],
    [
      'a clear-text URL to elsewhere',
      option.url({ text: '', cleartextLoopbackOnly: true }),
      'http://localhost.evil.example',
      'would send credentials in clear',
    ],
    [
      'a path where a whole server is meant, naming the address without it',
      option.url({ text: '', originOnly: true }),
      'https://acme.zendesk.com/api/v2?x',
      'must end after the host: https://acme.zendesk.com (got',
    ],
    [
      'a text over its length',
      option.text({ text: '', charactersMax: 2 }),
      'abc',
      'must have at most 2 characters',
    ],
  ];
  it.each(refused)('refuses %s', (_what, one, raw, problem) => {
    expect(refusal(() => readOne(one, raw)).message).toContain(`ONE: ${problem}`);
  });

  it('keeps the path of a URL that is a secret out of messages and logs', () => {
    const table = defineOptions({
      HOOK_URL: option.url({ text: 'Hook.', secretPath: true, cleartextLoopbackOnly: true }),
    });
    const values = readOptions(table, { HOOK_URL: 'https://hooks.example/T0/B0/s3cret' });
    expect(effectiveOptions(table, values)).toEqual({ HOOK_URL: 'https://hooks.example/…' });
    expect(secretValues(table, values)).toEqual(['/T0/B0/s3cret']);
    expect(
      refusal(() => readOptions(table, { HOOK_URL: 'http://hooks.example/s3cret' })).message,
    ).not.toContain('s3cret');
  });
});

describe('the options shared by services', () => {
  const table = defineOptions({ ...kafkaOptions, ...commonOptions });
  const wrong = (env: Record<string, string>): unknown =>
    refusal(() => readOptions(table, { KAFKA_BROKERS: 'broker:9092', ...env })).context['options'];

  it('refuse brokers without port and topics with a name that Kafka refuses', () => {
    expect(wrong({ KAFKA_BROKERS: 'broker' })).toBe('KAFKA_BROKERS');
    expect(wrong({ KAFKA_BROKERS: 'broker:0' })).toBe('KAFKA_BROKERS');
    expect(wrong({ KAFKA_BROKERS: 'https://broker:9092' })).toBe('KAFKA_BROKERS');
    expect(wrong({ TICKETS_TOPIC: 'tick ets' })).toBe('TICKETS_TOPIC');
    expect(wrong({ TICKETS_TOPIC: '..' })).toBe('TICKETS_TOPIC');
    expect(wrong({ TICKETS_TOPIC: 'x'.repeat(238) })).toBe('TICKETS_TOPIC');
  });
});

describe('texts written from the table', () => {
  it('help fits the width and says what each option takes', () => {
    const help = optionsHelp(producerLike, { name: 'producer', summary: 'Zendesk → tickets', columns: 80 });
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(help).toMatchInlineSnapshot(`
      "ticket-stream producer: Zendesk → tickets

      Options are environment variables; "npm run" also reads them from a file .env.
      The OTEL_* variables of OpenTelemetry work as documented there.

        ZENDESK_URL        Address of the help desk. (an https:// URL without
                           credentials in it, or http:// to this machine; required;
                           e.g. https://acme.zendesk.com)
        ZENDESK_EMAIL      E-mail address of the user that reads the export. (an
                           e-mail address; required)
        ZENDESK_API_TOKEN  API token of that user. (the secret as it was issued; or
                           its file in ZENDESK_API_TOKEN_FILE; required depending on
                           other options)
        ZENDESK_PASSWORD   Password of that user, in place of a token. (the secret as
                           it was issued; or its file in ZENDESK_PASSWORD_FILE)
        START_TIME         From when on tickets are exported. (epoch seconds, or a
                           date such as 2026-01-31 or 2026-01-31T08:00:00Z)
        EXPORT_PER_PAGE    Tickets on a page. (a whole number of tickets from 1 to
                           1000; default 1000)
        MAX_EVENT_AGE      Older events are history. (a duration with its unit, such
                           as 90s, 15m or 6h; default 6h)
        PRODUCER_PORT      Port of health and metrics. (a port number from 1 to 65535,
                           or 0 for any free one; default 7702)
      "
    `);
  });

  it('an environment file of the example changes nothing until a line is uncommented', () => {
    const example = optionsEnvExample(producerLike, new Set(['ZENDESK_PASSWORD', 'PRODUCER_PORT']));
    expect(example).toMatchInlineSnapshot(`
      "# Address of the help desk. (an https:// URL without credentials in it, or http:// to this machine;
      # required; e.g. https://acme.zendesk.com)
      # ZENDESK_URL=https://acme.zendesk.com

      # E-mail address of the user that reads the export. (an e-mail address; required)
      # ZENDESK_EMAIL=

      # API token of that user. (the secret as it was issued; or its file in ZENDESK_API_TOKEN_FILE;
      # required depending on other options)
      # ZENDESK_API_TOKEN=

      # From when on tickets are exported. (epoch seconds, or a date such as 2026-01-31 or
      # 2026-01-31T08:00:00Z)
      # START_TIME=

      # Tickets on a page. (a whole number of tickets from 1 to 1000; default 1000)
      # EXPORT_PER_PAGE=1000

      # Older events are history. (a duration with its unit, such as 90s, 15m or 6h; default 6h)
      # MAX_EVENT_AGE=6h
      "
    `);
    const active = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(active).toEqual([]);
  });
});
