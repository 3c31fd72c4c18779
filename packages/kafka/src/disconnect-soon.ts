import type { Logger } from './kafka-connection.ts';

/** kafkajs waits for the answers under way before it disconnects; whoever goes on need not. Never throws. */
export async function disconnectSoon(
  disconnecting: Promise<void>,
  { withinMs, logger, what }: { readonly withinMs: number; readonly logger: Logger; readonly what: string },
): Promise<void> {
  const disconnected = disconnecting.catch((error: unknown) => logger.debug({ err: error }, what));
  const { promise: waited, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, withinMs);
  await Promise.race([disconnected, waited]);
  clearTimeout(timer);
}
