/**
 * One way to consume, in a process of its own:
 *
 *   node consume-way.ts raw|memory|sqlite <brokers> <tickets topic> <records> <folder>
 *
 * `raw`: kafkajs as it is published, its defaults and the zstd of node:zlib, an `eachBatch` that counts. `memory`,
 * `sqlite`: `subscribe` with that version store: headers decoded, versions looked up and compared, fresh values parsed,
 * changes handed over, versions and positions recorded, offsets committed. The clock runs from the first batch handed
 * over to the one with which `records` are reached. Prints { rate, cpuMsPerThousand, rssMb }, rssMb being the resident
 * memory at each tenth of the records.
 */
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { memoryVersionStore, sqliteVersionStore, subscribe } from '@ticket-stream/subscriber';
import publishedKafkajs from 'kafkajs-published';

const [way = '', brokers = '', topic = '', wanted = '', folder = ''] = process.argv.slice(2);
const records = Number(wanted);
const group = `${topic}.${way}.${process.pid}`;

interface Clock {
  /** @returns true when enough were handed over */
  handed(count: number): boolean;
  readonly over: Promise<void>;
}

let first = 0;
let handed = 0;
let startedAtMs = 0;
let cpuBefore = process.cpuUsage();
const rssMb: number[] = [];
const { promise: over, resolve: finish } = Promise.withResolvers<void>();

const clock: Clock = {
  over,
  handed(count) {
    if (handed === 0) {
      first = count;
      startedAtMs = performance.now();
      cpuBefore = process.cpuUsage();
    }
    handed += count;
    while (rssMb.length < 10 && handed >= ((rssMb.length + 1) * records) / 10) {
      rssMb.push(Math.round(process.memoryUsage().rss / 2 ** 20));
    }
    if (handed < records) return false;
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const timed = handed - first;
    const cpuMsPerThousand = (user + system) / timed;
    process.stdout.write(`${JSON.stringify({ rate: timed / seconds, cpuMsPerThousand, rssMb })}\n`);
    finish();
    return true;
  },
};

if (way === 'raw') await raw();
else await subscribed();

async function raw(): Promise<void> {
  const { ZSTD } = publishedKafkajs.CompressionTypes;
  const decompress = promisify(zstdDecompress);
  publishedKafkajs.CompressionCodecs[ZSTD] = () => ({
    compress: async () => Promise.reject(new Error('nothing is written here')),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
  const kafka = new publishedKafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: publishedKafkajs.logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId: group });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let done = false;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      if (!done) done = clock.handed(batch.messages.length);
    },
  });
  await clock.over;
  await consumer.disconnect();
}

async function subscribed(): Promise<void> {
  const versions =
    way === 'sqlite' ? sqliteVersionStore({ path: join(folder, `${group}.sqlite`) }) : memoryVersionStore();
  let done = false;
  const subscription = await subscribe({
    brokers: brokers.split(','),
    topic,
    group,
    from: 'earliest',
    versions,
    handle(changes) {
      if (!done) done = clock.handed(changes.length);
    },
  });
  await Promise.race([clock.over, subscription.done]);
  await subscription.stop();
  await versions.close();
}
