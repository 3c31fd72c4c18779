/** A member of a group as a process of its own: prints "joined", and waits to be killed. */
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import { startReading } from './reading-group.ts';

const [brokers = '', group = '', topic = ''] = process.argv.slice(2);
const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'to-be-killed' }, silentLogger);
// Long enough for a busy machine to look at the group before it forgets this member.
await startReading(kafka, group, topic, 20_000);
process.stdout.write('joined\n');
