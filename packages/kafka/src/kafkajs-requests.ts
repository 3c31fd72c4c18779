/**
 * Requests of Kafka's protocol that kafkajs 2.2.4 does not know, in their last versions before the flexible encoding,
 * which it cannot write either. Brokers of Kafka 2.3 (IncrementalAlterConfigs) and 1.0 (DescribeLogDirs) up to 4.4
 * answer them.
 */
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import type { KafkaBroker, ProtocolRequest } from './kafkajs-cluster.ts';

const TOPIC_RESOURCE = 2;
const SET = 0;

/**
 * Sets the named settings of one topic and leaves all others as they are. kafkajs's own `alterConfigs` replaces them
 * all: what it is not told goes back to the broker's default.
 * @throws the protocol's error, as kafkajs's
 */
export async function setTopicSettings(
  controller: KafkaBroker,
  topic: string,
  settings: ReadonlyMap<string, string>,
): Promise<void> {
  const entries = [...settings].map(([name, value]) =>
    new Encoder().writeString(name).writeInt8(SET).writeString(value),
  );
  const resource = new Encoder().writeInt8(TOPIC_RESOURCE).writeString(topic).writeArray(entries);
  const answers = await send(controller, {
    apiKey: 44,
    apiVersion: 0,
    apiName: 'IncrementalAlterConfigs',
    encode: () => new Encoder().writeArray([resource]).writeBoolean(false),
    decode: (decoder) =>
      decoder.readArray((each) => {
        const code = each.readInt16();
        const message = each.readString();
        each.readInt8(); // resource type
        each.readString(); // resource name
        return { code, message };
      }),
  });
  for (const { code, message } of answers) failOn(code, message);
}

/** Bytes on this broker's disks, by topic and partition. @throws the protocol's error, as kafkajs's */
export async function readLogSizes(
  broker: KafkaBroker,
  topics: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>> {
  const wanted = [...topics].map(([topic, partitions]) =>
    new Encoder().writeString(topic).writeArray(partitions),
  );
  const folders = await send(broker, {
    apiKey: 35,
    apiVersion: 1,
    apiName: 'DescribeLogDirs',
    encode: () => new Encoder().writeArray(wanted),
    decode: (decoder) =>
      decoder.readArray((folder) => {
        const code = folder.readInt16();
        folder.readString(); // the folder's path
        const found = folder.readArray((topic) => ({
          topic: topic.readString() ?? '',
          partitions: topic.readArray((each) => {
            const partition = each.readInt32();
            const bytes = BigInt(each.readInt64().toString());
            each.readInt64(); // how far a copy is behind
            const isMoving = each.readBoolean();
            return { partition, bytes: isMoving ? 0n : bytes };
          }),
        }));
        return { code, found };
      }),
  });
  const sizes = new Map<string, Map<number, bigint>>();
  for (const { code, found } of folders) {
    failOn(code, null);
    for (const { topic, partitions } of found) {
      const ofTopic = sizes.get(topic) ?? new Map<number, bigint>();
      sizes.set(topic, ofTopic);
      for (const { partition, bytes } of partitions) {
        ofTopic.set(partition, (ofTopic.get(partition) ?? 0n) + bytes);
      }
    }
  }
  return sizes;
}

interface OwnRequest<Answer> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  encode(): unknown;
  /** What follows the throttle time. */
  decode(decoder: Decoder): Answer;
}

async function send<Answer>(broker: KafkaBroker, own: OwnRequest<Answer>): Promise<Answer> {
  const { apiKey, apiVersion, apiName } = own;
  const request: ProtocolRequest = {
    request: { apiKey, apiVersion, apiName, encode: async () => own.encode() },
    response: {
      async decode(rawData) {
        const decoder = new Decoder(rawData);
        const clientSideThrottleTime = decoder.readInt32();
        return { clientSideThrottleTime, answer: own.decode(decoder) };
      },
      parse: async ({ answer }: { answer: Answer }) => answer,
    },
  };
  return (await broker.connectionPool.send(request)) as Answer;
}

/** The broker's own words say more than the code's where it has some. */
function failOn(code: number, message: string | null): void {
  if (code === 0) return;
  const error = protocolErrors.createErrorFromCode(code);
  if (message !== null && message !== '') error.message = message;
  throw error;
}
