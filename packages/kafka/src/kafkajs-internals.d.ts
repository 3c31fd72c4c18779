declare module 'kafkajs/src/consumer/batch.js' {
  /** kafkajs's batch, patched (patches/): `nextOffset` is the offset after the fetched record batches, or null. */
  export default class Batch {
    constructor(
      topic: string,
      fetchedOffset: string,
      data: { partition: number; highWatermark: string; messages: unknown[] },
    );
    readonly messages: {
      offset: string;
      timestamp: string;
      key: Buffer | null;
      value: Buffer | null;
      headers: Record<string, Buffer | string | (Buffer | string)[] | undefined> | undefined;
    }[];
    readonly nextOffset: string | null;
  }
}

declare module 'kafkajs/src/protocol/encoder.js' {
  /** Big-endian fields of Kafka's protocol before its flexible versions. */
  export default class Encoder {
    writeInt8(value: number): this;
    writeInt32(value: number): this;
    writeBoolean(value: boolean): this;
    writeString(value: string | null): this;
    writeArray(values: readonly (Encoder | string | number)[]): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer);
    readInt8(): number;
    readInt16(): number;
    readInt32(): number;
    readInt64(): { toString(): string };
    readBoolean(): boolean;
    readString(): string | null;
    readArray<T>(reader: (decoder: Decoder) => T): T[];
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: { createErrorFromCode(code: number): Error };
  export default errors;
}

declare module 'kafkajs/src/broker/index.js' {
  /** One connected broker: a method a request. `request-rights.ts` knows which of them can be refused. */
  export default class Broker {
    readonly connectionPool: { readonly sasl?: { readonly username?: string } | null };
  }
}

/** plain, scram256, scram512: kafkajs's logins by password. */
declare module 'kafkajs/src/broker/saslAuthenticator/*.js' {
  import type { AuthenticationProviderArgs, Authenticator } from 'kafkajs';

  const provider: (sasl: {
    readonly username: string;
    readonly password: string;
  }) => (connection: AuthenticationProviderArgs) => Authenticator;
  export default provider;
}

declare module 'kafkajs/src/cluster/index.js' {
  export default class Cluster {
    findGroupCoordinatorMetadata(request: object): Promise<unknown>;
  }
}
