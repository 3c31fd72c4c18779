import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConsoleRecord,
  consoleConsume,
  runKafkaTool,
  sharedKafka,
  topicPrefix,
} from '@ticket-stream/dev-stack/testing';
import {
  connectKafka,
  ensureTopics,
  openLetterDesk,
  openLogReader,
  openPagePublisher,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import { memoryVersionStore, subscribe } from '@ticket-stream/subscriber';
import { identifyTicket, ticketDigest, withoutEmbedded } from '@ticket-stream/ticket';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readContract } from '../../packages/ticket/src/schema/contract-files.ts';
import { readCommitted } from '../support/committed-log.ts';

/**
 * The contract of the topics, against what really lies in them: topics made by the producer's code on a real broker,
 * the samples of the schema published to them, records of strangers, the letters about both; all of it read by Kafka's
 * own console consumer and held to the AsyncAPI document as it is committed.
 */
interface Message {
  readonly headers?: object;
  readonly payload: { readonly $ref?: string; readonly schema?: object };
  readonly bindings: { readonly kafka: { readonly key: object } };
}
interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
  readonly bindings: {
    readonly kafka: {
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}
const docs = join(import.meta.dirname, '../../docs');
const document = parse(readFileSync(join(docs, 'reference/asyncapi.yaml'), 'utf8')) as {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly schemas: { readonly ticket: { readonly schema: object } };
  };
};
const validator = new Ajv({ strict: false, validateFormats: false, allErrors: true });

/** Which of the channel's messages a record is, by key, headers and value; none where something does not fit. */
function messagesOf(channel: string, record: ConsoleRecord): string[] {
  const headers = Object.fromEntries(
    record.headers.map(([name, value]) => [name, value?.toString() ?? null]),
  );
  return Object.keys(document.channels[channel]?.messages ?? {}).filter((name) => {
    const message = document.components.messages[name];
    if (message === undefined) throw new Error(`${name} is no message`);
    const isTicket = message.payload.$ref === '#/components/schemas/ticket';
    const schema = isTicket ? document.components.schemas.ticket.schema : message.payload.schema;
    return (
      validator.validate(message.bindings.kafka.key, record.key?.toString()) &&
      validator.validate(message.headers ?? {}, headers) &&
      (schema === undefined || validator.validate(schema, JSON.parse(record.value?.toString() ?? '')))
    );
  });
}

const ABANDONED = 'of a page that was given up';

const sorted = (names: readonly string[]): string[] => names.toSorted();

describe('the topics as others find them', () => {
  const { brokers } = sharedKafka();
  const names = topicNames(`${topicPrefix('contract')}tickets`);
  const samples = readContract().samples.map(({ path, text }) => ({
    path,
    value: Buffer.from(text.trimEnd()),
  }));
  const strangers = [
    { key: '1', headers: 'NULL', value: 'no headers' },
    { key: 'abc', headers: 'ce_type:com.zendesk.ticket.changed', value: '{}' },
  ];

  beforeAll(async () => {
    const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
    const reader = await openLogReader(kafka);
    const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
    const publisher = await openPagePublisher<{ readonly position?: number }>({
      kafka,
      reader,
      names,
      topics,
      source: 'https://acme.zendesk.com',
      initialState: () => ({}),
      parseState: (state) => state as { readonly position?: number },
      logger: silentLogger,
      signal: new AbortController().signal,
    });
    // Given up after more records than one send holds: they lie in every partition, before all others, for who reads
    // what is not committed.
    const abandoned = await publisher.beginPage();
    for (let id = 1; id <= 1_100; id++) {
      const value = Buffer.from(JSON.stringify({ id, subject: ABANDONED }));
      await abandoned.publish(
        { ticketId: `${id}`, kind: 'changed', stamp: 1, digest: ticketDigest(value) },
        value,
      );
    }
    await abandoned.abort();
    const page = await publisher.beginPage();
    for (const { value } of samples) {
      const slice = withoutEmbedded(value);
      const { id, stamp, deleted } = identifyTicket(slice, JSON.parse(slice.toString()));
      const kind = deleted ? 'deleted' : 'changed';
      await page.publish({ ticketId: id, kind, stamp, digest: ticketDigest(slice) }, value);
    }
    const origin = { kind: 'export', source: 'https://acme.zendesk.com', startTime: 1_795_527_840 } as const;
    const whole = { byteLength: 9_000_000, sha256: 'f'.repeat(64) };
    await page.deadLetter({
      code: 'ticket.too_large',
      cause: 'x',
      origin,
      ticketId: '7',
      bytes: Buffer.from('{'),
      whole,
    });
    await page.deadLetter({ code: 'ticket.no_id', cause: 'x', origin, bytes: Buffer.from('{}') });
    await page.commit({ position: 1_795_527_840 });
    await publisher.close();
    await reader.close();

    const produced = await runKafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      [
        ...['--bootstrap-server', brokers, '--topic', names.tickets],
        ...['parse.key', 'parse.headers'].flatMap((name) => ['--reader-property', `${name}=true`]),
        ...['--reader-property', 'null.marker=NULL'],
      ],
      { input: strangers.map(({ key, headers, value }) => `${headers}\t${key}\t${value}\n`).join('') },
    );
    expect(produced).toMatchObject({ code: 0 });
    const subscription = await subscribe({
      brokers: brokers.split(','),
      topic: names.tickets,
      group: `${names.tickets}.contract`,
      versions: memoryVersionStore(),
      until: 'end',
      handle: () => {},
    });
    await subscription.done;
    expect(subscription.books()).toMatchObject({
      consumed: samples.length + strangers.length,
      deadLettered: strangers.length,
    });
  }, 120_000);

  it.each(Object.entries(document.channels))(
    '%s has the settings that the document names',
    async (_name, channel) => {
      const topic = channel.address.replace('tickets', names.tickets);
      const { stdout } = await runKafkaTool('org.apache.kafka.tools.TopicCommand', [
        ...['--bootstrap-server', brokers, '--describe', '--topic', topic],
      ]);
      const { partitions, topicConfiguration } = channel.bindings.kafka;
      expect(stdout).toMatch(new RegExp(`PartitionCount: ${partitions}\\b`));
      const configs = /Configs: (\S+)/.exec(stdout)?.[1] ?? '';
      for (const [name, value] of Object.entries(topicConfiguration)) {
        expect(configs.split(','), stdout).toContain(`${name}=${String(value)}`);
      }
    },
  );

  it('every sample lies in the topic as the message that its type says, and nothing of a stranger does', async () => {
    const found = new Map<string, string[]>();
    const strange: string[] = [];
    for await (const record of consoleConsume({ brokers, topic: names.tickets })) {
      const message = messagesOf('tickets', record);
      const value = record.value?.toString() ?? '';
      if (message.length > 0) found.set(value, message);
      else strange.push(value);
    }
    for (const { value, path } of samples) {
      const deleted = JSON.parse(value.toString()).status === 'deleted';
      expect(found.get(value.toString()), path).toEqual([deleted ? 'ticketDeleted' : 'ticketChanged']);
    }
    expect(sorted(strange)).toEqual(sorted(strangers.map(({ value }) => value)));
  });

  it('every dead letter, and every state of one, is exactly one of those in the document', async () => {
    const read = async () => {
      const letters: { readonly record: ConsoleRecord; readonly message: string }[] = [];
      for await (const record of consoleConsume({ brokers, topic: names.deadLetters })) {
        const [message, ...more] = messagesOf('deadLetters', record);
        expect(more).toEqual([]);
        letters.push({ record, message: message ?? `none: ${record.key?.toString()}` });
      }
      return letters;
    };
    const letters = await read();
    const written = ['consumerLetter', 'consumerLetter', 'producerLetter', 'producerLetter'];
    expect(sorted(letters.map(({ message }) => message))).toEqual(written);

    // Somebody drops one, with the facts of the letter repeated; a consumer says of another what became of it.
    const desk = await openLetterDesk(
      connectKafka({ brokers: brokers.split(',') }, silentLogger),
      names.deadLetters,
    );
    const facts = (record: ConsoleRecord | undefined) =>
      Object.fromEntries(
        (record?.headers ?? [])
          .filter(([name]) => name.startsWith('dlq-'))
          .map(([name, value]) => [name, String(value)]),
      );
    const [first, second] = letters.filter(({ message }) => message === 'consumerLetter');
    const keyOf = (letter: typeof first) => letter?.record.key?.toString() ?? '';
    expect(Object.keys(facts(first?.record))).toContain('dlq-code');
    await desk.setState(
      { key: keyOf(first), state: 'dropped', by: 'a@b', reason: 'x' },
      facts(first?.record),
    );
    await desk.setState({ key: keyOf(second), state: 'stale' }, {});
    await desk.close();
    const now = (await read()).map(({ message }) => message);
    expect(sorted(now)).toEqual(sorted([...written, 'letterState', 'letterState']));
  });

  it('every checkpoint says what others may read of it', async () => {
    let records = 0;
    for await (const record of consoleConsume({ brokers, topic: names.checkpoints })) {
      expect(messagesOf('checkpoints', record)).toEqual(['checkpoint']);
      records++;
    }
    expect(records).toBeGreaterThan(1);
  });

  it('the shell line of the guide shows every committed record, its place and headers', async () => {
    const guide = readFileSync(join(docs, 'topic.md'), 'utf8');
    const line = /^kcat .*$/m.exec(guide)?.[0] ?? '';
    expect(line).toContain(' -b 127.0.0.1:9092 -t tickets ');
    const own = line.replace('127.0.0.1:9092 -t tickets', `${brokers} -t ${names.tickets}`);
    const shown = execFileSync('sh', ['-c', own], { encoding: 'utf8' }).trim().split('\n');
    const committed = await readCommitted(brokers, names.tickets);
    const places = committed.map(({ ticketId, partition, offset }) => `${ticketId} ${partition}/${offset}`);
    expect(sorted(shown.map((each) => each.split(' ').slice(0, 2).join(' ')))).toEqual(sorted(places));
    expect(shown.filter((each) => each.includes('ce_logid=')).length).toBe(samples.length);
  });

  it("the guide's settings are taken by librdkafka and by Java's consumer, and show what was committed", async () => {
    const guide = readFileSync(join(docs, 'topic.md'), 'utf8');
    const [librdkafka = [], java = []] = [...guide.matchAll(/```properties\n([\s\S]*?)```/g)].map((block) =>
      (block[1] ?? '')
        .trim()
        .split('\n')
        .map((line) => line.replace('group.id=my-team.tickets', `group.id=${names.tickets}.guide`)),
    );
    expect([librdkafka.length, java.length]).toEqual([5, 7]);
    const records = samples.length + strangers.length;

    // kcat refuses a property that librdkafka does not know.
    const settings = librdkafka.flatMap((line) => ['-X', line]);
    const kcat = [
      '-C',
      '-b',
      brokers,
      '-t',
      names.tickets,
      '-e',
      '-q',
      '-o',
      'beginning',
      '-f',
      '%o\n',
      ...settings,
    ];
    const shown = execFileSync('kcat', kcat, { encoding: 'utf8' });
    expect(shown.trim().split('\n').length).toBe(records);

    const consumed = await runKafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', brokers, '--topic', names.tickets, '--max-messages', String(records)],
      ...java.flatMap((line) => ['--command-property', line]),
    ]);
    expect(consumed).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining(ABANDONED),
      stderr: expect.stringContaining(`Processed a total of ${records}`),
    });
  });
});
