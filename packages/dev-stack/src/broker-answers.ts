import { Kafka, logLevel } from 'kafkajs';

/**
 * Asks the cluster for its metadata. An open port is not enough: a broker listens before it is registered, and a
 * client that arrives then gets "leader not available" or no broker at all.
 * @returns true when a controller and at least one live broker are named within the time
 */
export async function brokerAnswers(brokers: string, timeoutMs: number): Promise<boolean> {
  const admin = new Kafka({
    clientId: 'ticket-stream-dev-stack',
    brokers: brokers.split(',').map((broker) => broker.trim()),
    logLevel: logLevel.NOTHING,
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    enforceRequestTimeout: true,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length > 0 && cluster.controller !== null;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
