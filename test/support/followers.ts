import { waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect } from 'vitest';
import { Follower } from './follower.ts';
import type { Town } from './town.ts';

export interface NamedFollower {
  /** Who follows. */
  readonly name: string;
  readonly follower: Follower;
}

/** Follows the town's collection, in turn as each of its people. */
export async function startFollowers(
  platform: Platform,
  town: Town,
  count: number,
): Promise<NamedFollower[]> {
  const names = ['admin', 'alice', 'bob', 'carol'] as const;
  const list = [];
  for (let index = 0; index < count; index += 1) {
    const name = names[index % names.length] ?? 'bob';
    const follower = await Follower.start({
      bases: () => platform.gateways.map(({ url }) => url),
      api: platform.origin,
      collection: town.collection,
      token: town.tokens[name],
    });
    list.push({ name, follower });
  }
  return list;
}

/** Writes a last row of each organisation, and holds what each follower then has against what it can list. */
export async function expectSameRows(town: Town, followers: readonly NamedFollower[]): Promise<void> {
  const path = `/api/objects/${town.collection}`;
  await town.as('alice').send('POST', path, { titel: 'last of a', status: 'nieuw' });
  await town.as('carol').send('POST', path, { titel: 'last of b', status: 'nieuw' });
  for (const { name, follower } of followers) {
    // The administrator sees both, and the second one is the last.
    const last = name === 'carol' || name === 'admin' ? 'last of b' : 'last of a';
    await waitFor(() => [...follower.rows.values()].some((row) => row['titel'] === last), {
      what: `${name} has the last row`,
      timeoutMs: 60_000,
    });
    const listed = await town
      .as(name as 'alice')
      .send<{ results: { id: string }[] }>('GET', `${path}?_limit=1000`);
    expect(follower.rows, name).toEqual(new Map(listed.results.map((row) => [row.id, row])));
    expect(follower.faults, name).toEqual([]);
    await follower[Symbol.asyncDispose]();
  }
}
