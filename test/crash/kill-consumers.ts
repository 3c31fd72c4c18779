import { setTimeout as wait } from 'node:timers/promises';
import type { Member } from '../storm/member.ts';
import { until } from '../support/condition.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import type { GroupDisturbance, Replay } from './group-disturbance.ts';

type Sink = ServiceProcess<'search'> | ServiceProcess<'alerting'>;

export interface KillPlan {
  readonly disturbance: GroupDisturbance;
  readonly group: string;
  readonly kills: number;
  readonly random: () => number;
}

/** Kills that fell into what they were meant for; and all there were. */
export interface Kills {
  readonly inRebalances: number;
  readonly inReplays: number;
  readonly attempts: number;
}

const REBALANCE_MS = 1_500;
/** How long after a replay's first batch the kill may come. */
const REPLAY_MS = 300;
/** Not every kill falls into a rebalance, or into a replay that is over in a second. */
const ATTEMPTS_PER_KILL = 8;

/** Half of the kills in rebalances, half in replays, in turn; each way tells whether its kill fell into it. */
async function inTurn(
  kills: number,
  killInRebalance: () => Promise<boolean>,
  killInReplay: () => Promise<boolean>,
): Promise<Kills> {
  let [inRebalances, inReplays, attempts] = [0, 0, 0];
  const wanted = Math.ceil(kills / 2);
  while (inRebalances + inReplays < kills && attempts < kills * ATTEMPTS_PER_KILL) {
    const replay = inReplays < kills - wanted && (attempts % 2 === 1 || inRebalances === wanted);
    attempts++;
    if (replay) inReplays += Number(await killInReplay());
    else inRebalances += Number(await killInRebalance());
  }
  return { inRebalances, inReplays, attempts };
}

/** Where to move an offset back to: into the first half of what was read. */
const backBy = (random: () => number) => (offset: bigint) =>
  BigInt(Math.floor(Number(offset) * random() * 0.5));

/** Kills a service while a stranger joins or leaves its group, or while it reads a replay. */
export async function killSink(sink: Sink, { disturbance, group, kills, random }: KillPlan): Promise<Kills> {
  const atWork = () => sink.until('at work', ({ books }) => books.consumed > 0, 120_000);
  const result = await inTurn(
    kills,
    async () => {
      await atWork();
      const stranger = await disturbance.startStranger(group);
      // The rebalance lasts as long as the stranger's join, and begins anew with its leave.
      await wait(random() * REBALANCE_MS);
      const leaving = random() < 0.5 ? stranger.leave() : undefined;
      const fellIntoIt = await disturbance.rebalancing(group);
      await sink.kill();
      await (leaving ?? stranger.leave());
      sink.start();
      return fellIntoIt;
    },
    async () => {
      await atWork();
      const code = await sink.stop();
      if (code !== 0) throw new Error(`${sink.name} stopped with ${code}:\n${sink.log.slice(-2_000)}`);
      const replay = await disturbance.moveBack(group, backBy(random));
      sink.start();
      // What it says of itself comes too late for a replay of a second.
      if (!(await seenUnderWay(`${sink.name} reads the replay`, replay))) return false;
      await wait(random() * REPLAY_MS);
      await sink.kill();
      const fellIntoIt = await replay.underWay();
      sink.start();
      return fellIntoIt;
    },
  );
  await atWork();
  return result;
}

/** False where it was over before anybody looked: a replay takes a second, and the machine is busy. */
async function seenUnderWay(what: string, replay: Replay): Promise<boolean> {
  const seen = await until(
    what,
    async () => ((await replay.underWay()) ? 'under way' : (await replay.over()) && 'over'),
    60_000,
  );
  return seen === 'under way';
}

async function comeOrGo(member: Member): Promise<void> {
  if (member.joined) await member.leave();
  else member.join();
}

/** Kills members of one group while another one joins or leaves, or while they read a replay. */
export async function killGroup(
  members: readonly Member[],
  { disturbance, group, kills, random }: KillPlan,
): Promise<Kills> {
  const one = (of: readonly Member[]) => of[Math.floor(random() * of.length)];
  const atWork = () => members.filter(({ joined, partitions }) => joined && partitions > 0);
  const victim = async () => {
    await until('a member at work', () => atWork().length > 0, 60_000);
    return one(atWork()) as Member;
  };
  const allJoin = () => {
    for (const member of members) if (!member.joined) member.join();
  };
  const result = await inTurn(
    kills,
    async () => {
      const killed = await victim();
      const other = one(members.filter((member) => member !== killed)) as Member;
      const moving = comeOrGo(other);
      await wait(random() * REBALANCE_MS);
      const fellIntoIt = await disturbance.rebalancing(group);
      await killed.kill();
      killed.join();
      await moving;
      allJoin();
      return fellIntoIt;
    },
    async () => {
      await victim();
      await Promise.all(members.filter(({ joined }) => joined).map((member) => member.leave()));
      const replay = await disturbance.moveBack(group, backBy(random));
      allJoin();
      if (!(await seenUnderWay('the group reads the replay', replay))) return false;
      await wait(random() * REPLAY_MS);
      await (await victim()).kill();
      const fellIntoIt = await replay.underWay();
      allJoin();
      return fellIntoIt;
    },
  );
  await victim();
  return result;
}
