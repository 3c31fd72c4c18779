// A producer in a process of its own, to be killed: <brokers> <tickets topic>. Commits page 1 (tickets 1 to 10), sends
// page 2 (tickets 1 to 3,000) without committing it, says so and waits for its end.
import { connectKafka } from '../kafka-connection.ts';
import { openLogReader } from '../log-reader.ts';
import { topicNames } from '../topics.ts';
import { openTestPublisher, silentLogger, ticket } from './test-publisher.ts';

const [brokers = '', tickets = ''] = process.argv.slice(2);
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const reader = await openLogReader(kafka);
const publisher = await openTestPublisher({ kafka, reader, names: topicNames(tickets) });
await publisher.publishPage(Array.from({ length: 10 }, (_, n) => ticket(n + 1, 100, 'page 1')));
const page = await publisher.beginPage();
for (let n = 1; n <= 3_000; n++) {
  const { event, value } = ticket(n, 200, 'page 2');
  await page.publish(event, value);
}
process.stdout.write('sent\n');
setInterval(() => {}, 1_000);
