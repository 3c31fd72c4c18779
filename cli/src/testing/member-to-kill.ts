/** A member of a group as a process of its own: prints "joined", and waits to be killed. */
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import { startReading } from './reading-group.ts';

const [brokers = '', group = '', topic = ''] = process.argv.slice(2);
const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'to-be-killed' }, silentLogger);
await startReading(kafka, group, topic);
process.stdout.write('joined\n');
