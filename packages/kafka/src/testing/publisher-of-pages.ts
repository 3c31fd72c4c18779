// A producer in a process of its own: <brokers> <tickets topic> <pages> <tickets a page>. Publishes the pages that its
// checkpoint does not have, and ends.
import { connectKafka } from '../kafka-connection.ts';
import { openLogReader } from '../log-reader.ts';
import { topicNames } from '../topics.ts';
import { openTestPublisher, silentLogger, ticket } from './test-publisher.ts';

const [brokers = '', tickets = '', pages = '', perPage = ''] = process.argv.slice(2);
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const reader = await openLogReader(kafka);
const publisher = await openTestPublisher({ kafka, reader, names: topicNames(tickets) });
for (let page = publisher.checkpoint.exportState.page; page < Number(pages); page++) {
  await publisher.publishPage(
    Array.from({ length: Number(perPage) }, (_, n) => ticket(n + 1, 100 + page, `page ${page}`)),
  );
}
await publisher.close();
await reader.close();
