// A member that stops for ever in the step of a retried letter, to be killed there, and says so:
// <brokers> <topic> <group> <store file> <member file> <before | after>. A letter's step is the one without a position.
import { subscribe } from '../subscribe.ts';
import { sqliteVersionStore } from '../version-store/sqlite.ts';
import type { VersionStore } from '../version-store/version-store.ts';
import { silentLogger } from './tickets-log.ts';

const [brokers = '', topic = '', group = '', path = '', memberFile = '', moment = ''] = process.argv.slice(2);
const store = sqliteVersionStore({ path });
const stopForEver = () => {
  process.stdout.write(`${moment} the step\n`);
  return new Promise<never>(() => {});
};
const versions: VersionStore = {
  ...store,
  async record(step, effect) {
    const isLetter = step.positions.length === 0;
    if (isLetter && moment === 'before') await stopForEver();
    await store.record(step, effect);
    if (isLetter) await stopForEver();
  },
};
await subscribe({
  brokers: brokers.split(','),
  topic,
  group,
  versions,
  memberFile,
  handle: () => {},
  logger: silentLogger,
});
