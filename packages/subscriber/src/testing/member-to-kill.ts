// A member in a process of its own, to be killed: <brokers> <topic> <group> <store file> <member file>.
import { subscribe } from '../subscribe.ts';
import { sqliteVersionStore } from '../version-store/sqlite.ts';
import { silentLogger } from './tickets-log.ts';

const [brokers = '', topic = '', group = '', path = '', memberFile = ''] = process.argv.slice(2);
await subscribe({
  brokers: brokers.split(','),
  topic,
  group,
  versions: sqliteVersionStore({ path }),
  memberFile,
  handle: () => {},
  onCaughtUp: () => {
    process.stdout.write('caught up\n');
  },
  logger: silentLogger,
});
