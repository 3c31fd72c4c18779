import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';

export interface LetterProducer extends Pick<Producer, 'connect' | 'disconnect'> {
  /** Durable on return. */
  send(topic: string, message: Message): Promise<void>;
}

/** For what is said of dead letters: idempotent and never in a transaction (kafkajs leaks interleaved aborted ones). */
export function letterProducer(kafka: Kafka): LetterProducer {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 8 },
  });
  return {
    connect: producer.connect,
    disconnect: producer.disconnect,
    async send(topic, message) {
      const compression = kafkajs.CompressionTypes.ZSTD;
      await producer.send({ topic, acks: -1, compression, messages: [message] });
    },
  };
}
