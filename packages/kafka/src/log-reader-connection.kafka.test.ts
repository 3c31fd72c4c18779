import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import kafkajs, { type Kafka } from 'kafkajs';
import kafkajsErrors from 'kafkajs/src/protocol/error.js';
import { afterAll, expect, it } from 'vitest';
import { clientSettings, connectKafka } from './kafka-connection.ts';
import { createCluster, type KafkaCluster } from './kafkajs-cluster.ts';
import { openLogReader } from './log-reader.ts';
import { createTopic } from './testing/create-topic.ts';
import { silentLogger } from './testing/test-publisher.ts';

const brokers = sharedKafka().brokers.split(',');
const kafka = connectKafka({ brokers }, silentLogger);
const toClose: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of toClose.reverse()) await close();
});

/** The broker behind a door that takes connections; what comes while it is silent gets no answer. */
async function doorToBroker() {
  const [host = '', port = ''] = (brokers[0] ?? '').split(':');
  const open = new Set<Socket>();
  const door: { isSilent: boolean; readonly open: ReadonlySet<Socket>; address: string } = {
    ...{ isSilent: false, open, address: '' },
  };
  const server = createServer((client) => {
    open.add(client.on('close', () => open.delete(client)).on('error', () => {}));
    if (door.isSilent) {
      client.resume();
    } else {
      const broker = connect({ host, port: Number(port) }).on('error', () => {});
      client.pipe(broker).pipe(client);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => server.close());
  door.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return door;
}

/** As in life, but that a request is given up sooner. */
const impatient = (broker: string) =>
  new kafkajs.Kafka({
    ...clientSettings({ brokers: [broker] }, silentLogger),
    requestTimeout: 300,
    connectionTimeout: 300,
  });

it('a reader is not opened where the broker does not answer, and leaves no connection behind', async () => {
  const door = await doorToBroker();
  door.isSilent = true;
  await expect(openLogReader(impatient(door.address))).rejects.toMatchObject({ code: 'kafka.unavailable' });
  await expect.poll(() => door.open.size).toBe(0);
});

it('a broker that does not answer when high watermarks are first asked for is asked again the next time', async () => {
  const topic = `${topicPrefix('silent-once')}log`;
  await createTopic(kafka, topic, 1);
  const door = await doorToBroker();
  const reader = await openLogReader(impatient(door.address));
  toClose.push(reader.close);
  door.isSilent = true;
  await expect(reader.highWatermarks(topic)).rejects.toMatchObject({ code: 'kafka.unavailable' });
  door.isSilent = false;
  expect(await reader.highWatermarks(topic)).toEqual(new Map([[0, 0n]]));
});

it('a leader that moved is looked for anew, whatever is asked', async () => {
  const topic = `${topicPrefix('leader-moved')}log`;
  await createTopic(kafka, topic, 1);
  const NOT_LEADER = 6;
  const stale = new Set<KafkaCluster>();
  const clusters: KafkaCluster[] = [];
  const moving = Object.create(kafka) as Kafka;
  const [create] = Object.getOwnPropertySymbols(kafka).filter(({ description }) =>
    description?.endsWith('createCluster'),
  );
  if (create === undefined) throw new Error('no createCluster');
  Object.defineProperty(moving, create, {
    value: ({ isolationLevel }: { isolationLevel: number }) => {
      const cluster = createCluster(kafka, isolationLevel);
      clusters.push(cluster);
      const { fetchTopicsOffset, refreshMetadata } = cluster;
      return Object.assign(cluster, {
        async fetchTopicsOffset(...asked: Parameters<typeof fetchTopicsOffset>) {
          if (stale.has(cluster)) throw kafkajsErrors.createErrorFromCode(NOT_LEADER);
          return fetchTopicsOffset.apply(cluster, asked);
        },
        async refreshMetadata() {
          await refreshMetadata.apply(cluster);
          stale.delete(cluster);
        },
      });
    },
  });
  const reader = await openLogReader(moving);
  toClose.push(reader.close);
  const ends = new Map([[0, 0n]]);
  const asked = [
    () => reader.stableEndOffsets(topic),
    () => reader.highWatermarks(topic),
    () => reader.offsetsAt(topic, 0, 'all'),
  ];
  for (const ask of asked) expect(await ask()).toEqual(ends);
  for (const ask of asked) {
    for (const cluster of clusters) stale.add(cluster);
    expect(await ask()).toEqual(ends);
  }
});
