/**
 * The Kafka client as the bundle has it: a file of the package that its `exports` do not name. This project's tests of
 * kafkajs's defects run against it once it is installed, so that what other teams get is known to have the patches.
 */
export { connectKafka, openLogReader, openRecordStream, silentLogger } from '@ticket-stream/kafka';
