import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Input, Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventTypes } from '../ticket-event.ts';
import { eventHeaders, exampleRecord, headersSchema } from './event-headers.ts';

/** The document as committed; `npm run check` compares it with what the code would write. */
const yaml = readFileSync(join(import.meta.dirname, '../../../../docs/reference/asyncapi.yaml'), 'utf8');
// biome-ignore lint/suspicious/noExplicitAny: a document to be broken anywhere
type Writable = any;

/** What AsyncAPI's own parser has against it. That a newer version of AsyncAPI exists is no fault of the document. */
async function faultsIn(document: Input): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(document);
  return diagnostics
    .filter(({ code }) => code !== 'asyncapi-latest-version')
    .map(({ code, path }) => `${code} at ${path.join('.')}`);
}

/** The parser (3.6.6) leaves examples of version 3 unchecked, so they are held to their schemas here. */
function faultsInExamples(document: Writable): string[] {
  const validator = new Ajv({ strict: false, validateFormats: false });
  const fits = (schema: object, value: unknown) => validator.validate(schema, value);
  const found: string[] = [];
  for (const message of Object.values<Writable>(document.components.messages)) {
    const { $ref } = message.payload;
    const payload =
      $ref === '#/components/schemas/ticket' ? document.components.schemas.ticket : message.payload;
    if (message.examples.length === 0) found.push(`${message.name} has no example`);
    for (const example of message.examples) {
      if (message.headers !== undefined && !fits(message.headers, example.headers))
        found.push(`${message.name}: headers`);
      if (!fits(payload.schema ?? payload, example.payload)) found.push(`${message.name}: payload`);
    }
  }
  return found;
}

const edited = (edit: (document: Writable) => void): Writable => {
  const document = parse(yaml) as Writable;
  edit(document);
  return document;
};

describe('the AsyncAPI document', () => {
  it("is valid to AsyncAPI's parser, without a warning, and so are its examples", async () => {
    expect(await faultsIn(yaml)).toEqual([]);
    expect(faultsInExamples(parse(yaml))).toEqual([]);
  });

  it.each<[string, (document: Writable) => void]>([
    [
      'an operation on a channel that is none',
      (d) => {
        d.operations.publishTickets.channel.$ref = '#/channels/none';
      },
    ],
    [
      'a schema of a type that is none',
      (d) => {
        d.components.schemas.ticket.schema.properties.status.type = 'word';
      },
    ],
    [
      'a setting that Kafka does not have',
      (d) => {
        d.channels.tickets.bindings.kafka.partitions = 0;
      },
    ],
  ])('would be refused with %s', async (_what, edit) => {
    expect(await faultsIn(edited(edit))).not.toEqual([]);
  });

  it.each<[string, (messages: Writable) => void, string]>([
    [
      'value',
      (m) => {
        m.ticketChanged.examples[0].payload.id = 'x';
      },
      'ticketChanged: payload',
    ],
    [
      'header',
      (m) => {
        m.ticketChanged.examples[0].headers.ce_digest = 'x';
      },
      'ticketChanged: headers',
    ],
    [
      'missing header',
      (m) => {
        delete m.ticketDeleted.examples[0].headers.ce_logid;
      },
      'ticketDeleted: headers',
    ],
    [
      'type',
      (m) => {
        m.ticketDeleted.examples[0].headers.ce_type = 'x';
      },
      'ticketDeleted: headers',
    ],
    [
      'letter',
      (m) => {
        m.consumerLetter.examples[0].headers['dlq-offset'] = '-1';
      },
      'consumerLetter: headers',
    ],
    [
      'checkpoint',
      (m) => {
        m.checkpoint.examples[0].payload.nextOffsets['0'] = 7;
      },
      'checkpoint: payload',
    ],
  ])('would show an example with a wrong %s', (_what, edit, fault) => {
    expect(faultsInExamples(edited((document) => edit(document.components.messages)))).toEqual([fault]);
  });
});

describe('the texts about the headers', () => {
  it.each(['changed', 'deleted'] as const)('are of exactly those that the producer writes (%s)', (kind) => {
    const { headers, key } = exampleRecord(kind);
    const written = Object.keys(headers).filter((name) => name !== 'traceparent');
    expect(written).toEqual(Object.keys(eventHeaders).filter((name) => eventHeaders[name]?.always));
    expect(headersSchema(kind)).toMatchObject({ required: written });
    expect(headers).toMatchObject({ ce_subject: key, ce_type: eventTypes[kind] });
  });
});
