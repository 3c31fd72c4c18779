import { keyBinding } from './kafka-bindings.ts';

/**
 * The records of `<topic>.dlq`, for AsyncAPI. `packages/kafka/src/dead-letter.ts` writes them;
 * test/contract holds these texts to what it writes on a real broker.
 */
const text = (description: string, schema: Readonly<Record<string, unknown>> = {}) => ({
  type: 'string',
  ...schema,
  description,
});

const facts = {
  'dlq-code': text('Code of the error table: why it can never work.', { pattern: '^[a-z_]+\\.[a-z_]+$' }),
  'dlq-cause': text('One sentence, without text of the ticket.'),
  'dlq-ticket-id': text('The ticket, where it is known.', { pattern: '^[1-9]\\d{0,18}$' }),
  'dlq-bytes': text('Length of the whole original, where the value is only its first 64 KiB.', {
    pattern: '^\\d+$',
  }),
  'dlq-sha256': text('SHA-256 of the whole original, as before.', { pattern: '^[0-9a-f]{64}$' }),
};

const key = (description: string) => keyBinding({ type: 'string', description });
/** What tells a letter of state from the letter, whose facts it may repeat. */
const isState = { required: ['dlq-state'] };
const anyBytes = { description: 'The original bytes, which may be anything.' };

export const deadLetterMessages = {
  producerLetter: {
    name: 'producerLetter',
    title: 'A ticket that could not become a record',
    summary: 'Written by the producer, in the transaction of the page that brought the ticket.',
    contentType: 'application/octet-stream',
    bindings: key('The ticket id; the first 32 hex digits of the SHA-256 of the value where it has none.'),
    headers: {
      type: 'object',
      required: ['dlq-code', 'dlq-cause', 'dlq-origin', 'dlq-source', 'dlq-start-time'],
      properties: {
        ...facts,
        'dlq-origin': text('Where it comes from.', { const: 'export' }),
        'dlq-source': text('The account.'),
        'dlq-start-time': text('Start of the page that brought it, epoch seconds.', { pattern: '^\\d+$' }),
        'dlq-fetch-again': text('Path at which Zendesk has the ticket, where the value is cut.'),
      },
      additionalProperties: true,
      not: isState,
    },
    payload: anyBytes,
    examples: [
      {
        name: 'tooLarge',
        headers: {
          'dlq-code': 'ticket.too_large',
          'dlq-cause': 'a ticket of 9000000 bytes is over the size limit',
          'dlq-ticket-id': '35436',
          'dlq-bytes': '9000000',
          'dlq-sha256': 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
          'dlq-origin': 'export',
          'dlq-source': 'https://acme.zendesk.com',
          'dlq-start-time': '1795527840',
          'dlq-fetch-again': '/api/v2/tickets/35436.json',
        },
      },
    ],
  },
  consumerLetter: {
    name: 'consumerLetter',
    title: 'A record that a consumer could not take',
    summary:
      'Written by a consumer of this project: the record itself, value and original headers, with what is wrong beside them. Repeated under the same key after a crash.',
    contentType: 'application/octet-stream',
    bindings: key('`group/topic/partition/offset` of the record.'),
    headers: {
      type: 'object',
      required: [
        'dlq-code',
        'dlq-cause',
        'dlq-origin',
        'dlq-group',
        'dlq-topic',
        'dlq-partition',
        'dlq-offset',
      ],
      properties: {
        ...facts,
        'dlq-origin': text('Where it comes from.', { const: 'record' }),
        'dlq-group': text('The consumer group that set it aside.'),
        'dlq-topic': text('Topic of the record.'),
        'dlq-partition': text('Its partition.', { pattern: '^\\d+$' }),
        'dlq-offset': text('Its offset.', { pattern: '^\\d+$' }),
        'dlq-record-key': text("The record's key in base64; not where it had none."),
        'dlq-record-key-left-out': text('Bytes of its key, where that was too long to be copied.', {
          pattern: '^\\d+$',
        }),
        'dlq-headers-left-out': text('Bytes of its own headers, where they were too many to be copied.', {
          pattern: '^\\d+$',
        }),
      },
      additionalProperties: true,
      not: isState,
    },
    payload: anyBytes,
    examples: [
      {
        name: 'noJson',
        headers: {
          'dlq-code': 'record.invalid_value',
          'dlq-cause': "the record's value is no ticket: it is not JSON",
          'dlq-origin': 'record',
          'dlq-group': 'tickets.alerting',
          'dlq-topic': 'tickets',
          'dlq-partition': '3',
          'dlq-offset': '1042',
          'dlq-record-key': 'MzU0MzY=',
        },
      },
    ],
  },
  letterState: {
    name: 'letterState',
    title: 'What became of a letter',
    summary:
      "Under the key of the letter; the newest record of a key says how it stands. Without one, it is open. It may carry the letter's own dlq headers, which then outlive the letter.",
    contentType: 'application/octet-stream',
    bindings: key('The key of the letter.'),
    headers: {
      type: 'object',
      ...isState,
      properties: {
        'dlq-state': text('How the letter stands.', {
          examples: ['retrying', 'applied', 'duplicate', 'stale', 'skipped', 'dropped'],
        }),
        'dlq-by': text('Who tried it again or dropped it: `user@host`.'),
        'dlq-reason': text('Why, in the words of that person.'),
      },
      additionalProperties: true,
    },
    payload: { description: 'Empty.' },
    examples: [
      {
        name: 'dropped',
        headers: { 'dlq-state': 'dropped', 'dlq-by': 'mira@ops-1', 'dlq-reason': 'a test' },
      },
    ],
  },
};
