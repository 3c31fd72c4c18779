// A member of a group in a process of its own: <settings as JSON>. Told by messages when to join and when to leave;
// members share a version store and a log of effects.
import { type Subscription, sqliteVersionStore, subscribe } from '@ticket-stream/subscriber';
import { openEffectLog } from './effect-log.ts';
import type { FromMember, MemberSettings, ToMember } from './member.ts';

const settings = JSON.parse(process.argv[2] ?? '') as MemberSettings;
const { name, brokers, topic, group, storeFile, effectFile, holdBefore } = settings;
const versions = sqliteVersionStore({ path: storeFile });
const effects = openEffectLog(effectFile);
const goOn = Promise.withResolvers<void>();
let subscription: Subscription | undefined;
let joining: Promise<void> | undefined;

const say = (message: FromMember) => process.send?.(message);

process.on('message', (message: ToMember) => {
  if (message === 'join') joining = join();
  if (message === 'leave') void leave();
  if (message === 'go on') goOn.resolve();
});
process.on('disconnect', () => process.exit(1));

async function join(): Promise<void> {
  subscription = await subscribe({
    brokers: brokers.split(','),
    topic,
    group,
    from: 'earliest',
    versions,
    async handle(changes) {
      if (holdBefore !== undefined && changes.some(({ ticketId }) => ticketId === holdBefore)) {
        say({ type: 'held' });
        await goOn.promise;
      }
      effects.append(name, changes);
    },
    onWaiting: (reason) => say({ type: 'waiting', reason }),
    onProgress: () => {
      if (subscription === undefined) return;
      say({ type: 'progress', partitions: subscription.positions().size, books: subscription.books() });
    },
  });
  subscription.done.catch((error: unknown) => say({ type: 'failed', error: String(error) }));
  say({ type: 'joining' });
}

async function leave(): Promise<void> {
  await joining;
  await subscription?.stop();
  say({ type: 'left', books: subscription?.books() });
  subscription = undefined;
}
