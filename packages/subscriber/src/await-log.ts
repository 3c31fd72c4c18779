import { setTimeout as wait } from 'node:timers/promises';
import {
  type Checkpoint,
  type Logger,
  type LogReader,
  readNewestCheckpoint,
  type TopicNames,
} from '@ticket-stream/kafka';
import { patiently, type Waits } from './waits.ts';

const POLL_MS = 500;

/** The newest checkpoint, which names the log; a topic not there yet is waited for, and said so. */
export async function awaitLog(
  reader: LogReader,
  names: TopicNames,
  patience: { readonly waits: Waits; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Pick<Checkpoint<unknown>, 'logId' | 'nextOffsets'>> {
  const { waits, logger, signal } = patience;
  for (let asked = 0; ; asked++) {
    signal.throwIfAborted();
    const checkpoint = await patiently(
      'looking for the log',
      async () => {
        if (!(await reader.topicExists(names.tickets)) || !(await reader.topicExists(names.checkpoints)))
          return undefined;
        return await readNewestCheckpoint(reader, names.checkpoints, (state) => state);
      },
      patience,
    );
    if (checkpoint !== undefined) {
      waits.set('log', undefined);
      return checkpoint;
    }
    if (asked === 0) logger.info({ topic: names.tickets }, 'waiting for the topic and its first checkpoint');
    waits.set('log', `topic ${names.tickets} and its first checkpoint`);
    await wait(POLL_MS, undefined, { signal });
  }
}
