import { waitFor } from '@tidewire/test-kit';
import type { Finding } from './finding.ts';
import type { Quiet } from './quiet.ts';
import type { Random } from './random.ts';
import { passOn } from './rights-changes.ts';
import type { Subscriber } from './subscriber.ts';
import { endTicket, giveToken } from './tickets.ts';
import type { World } from './world.ts';
import { updateRows, writableRows } from './writes.ts';

export interface Turn {
  readonly quiet: Quiet;
  /** How long the last quiet point took. */
  readonly quietMs: number;
  readonly present: readonly Subscriber[];
  readonly broken: () => Finding | undefined;
}

/** Longer than whoever looks for what has expired takes, also when it is busy. */
const EXPIRY_PATIENCE_MS = 30_000;

/** Rows and credentials get an instant that is near, and are looked at again when it has passed. */
export async function turnTime(world: World, random: Random, turn: Turn): Promise<void> {
  const { quiet, quietMs, present, broken } = turn;
  // After what a quiet point took last, and at least a second.
  const instant = Date.now() + 1000 + 2 * quietMs;
  const until = new Date(instant).toISOString();
  const [renewing, ending] = await letExpire(world, random, instant);
  for (const schema of world.schemas) {
    await updateRows(world, random.some(writableRows(world, schema), 0.3), { until });
  }
  const position = await quiet.reach(present, broken);
  // Where everybody was told in time, rules were judged before.
  quiet.judge(present, position, Date.now() < instant ? [instant - 1] : [instant - 1, instant + 1]);
  if (renewing !== undefined) {
    const old = world.ticket(renewing);
    await giveToken(world, renewing, null);
    await passOn(world, old, renewing);
  }
  await new Promise((wake) => {
    setTimeout(wake, Math.max(0, instant - Date.now()) + 2);
  });
  world.lastTurn = instant;
  if (ending !== undefined) await giveToken(world, ending, null);
  await waitFor(() => world.expiring.size === 0, {
    what: 'the log tells that credentials expired',
    timeoutMs: EXPIRY_PATIENCE_MS,
  });
  await quiet.compare(present, [], await quiet.reach(present, broken));
}

/** Some go on with tokens that expire then; the first of them renews its connections before, where they can be. */
async function letExpire(world: World, random: Random, instant: number): Promise<string[]> {
  const chosen = [...new Set([random.pick(world.people), random.pick(world.people)])];
  for (const id of chosen) {
    await endTicket(world, id);
    await giveToken(world, id, null, instant);
    world.expiring.add(world.ticket(id).credential ?? '');
  }
  return chosen;
}
