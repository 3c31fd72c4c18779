export { ownKafka, sharedKafka, topicPrefix } from './kafka-for-tests.ts';
