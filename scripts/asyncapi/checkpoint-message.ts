import { keyBinding } from './kafka-bindings.ts';

/**
 * The record of `<topic>.checkpoints`, for AsyncAPI: the part that others may read. `packages/kafka/src/checkpoint.ts`
 * writes it; test/contract holds this to what it writes.
 */
export const checkpointMessage = {
  name: 'checkpoint',
  title: 'How far the export is',
  summary:
    'Written in the transaction of each page: which log this is, where each partition ends, and up to which second the log is complete. Everything else in it is for the producer alone.',
  contentType: 'application/json',
  bindings: keyBinding({ type: 'string', const: 'export' }),
  payload: {
    schemaFormat: 'application/schema+json;version=draft-07',
    schema: {
      type: 'object',
      required: ['format', 'sequence', 'owner', 'source', 'logId', 'nextOffsets', 'exportState'],
      properties: {
        format: { type: 'integer', const: 1, description: 'Of another format nothing below is said.' },
        sequence: { type: 'integer', description: 'Counts the checkpoints of this log.' },
        owner: { type: 'string', description: 'The instance of the producer that wrote it.' },
        source: { type: 'string', description: 'The account.' },
        logId: { type: 'string', format: 'uuid', description: 'The log, as in `ce_logid`.' },
        nextOffsets: {
          type: 'object',
          description:
            'By partition, as decimal digits: the offset after its last record, the commit marker left out. Partitions never written to are absent.',
          additionalProperties: { type: 'string', pattern: '^\\d+$' },
        },
        exportState: {
          type: 'object',
          properties: {
            position: {
              type: 'integer',
              description:
                'Epoch seconds: the last second of which the log holds everything; absent before the first page.',
            },
          },
          additionalProperties: true,
        },
      },
      additionalProperties: true,
    },
  },
  examples: [
    {
      name: 'afterAPage',
      payload: {
        format: 1,
        sequence: 1042,
        owner: '7b1d6f0a-6a50-4a53-9e36-2f0f6f5f8a11',
        source: 'https://acme.zendesk.com',
        logId: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
        nextOffsets: { '0': '8412', '1': '8377' },
        exportState: { position: 1_795_527_840 },
      },
    },
  ],
};
