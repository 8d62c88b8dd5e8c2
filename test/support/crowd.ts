import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from './api.ts';
import type { Api } from './api.ts';

/** One of many people. */
export interface Citizen {
  readonly id: string;
  /** Its password, too, where clients have none but that. */
  readonly token: string;
  /** Through the edge. */
  readonly api: Api;
}

export interface CrowdOptions {
  readonly organisation: string;
  readonly count: number;
  /** The groups that the person of an index is in. */
  readonly groupsOf: (index: number) => readonly string[];
}

/** A password costs nothing here: what takes its time is two requests for each. */
const REQUESTS_AT_ONCE = 8;

/** Creates many people with a token each, as an administrator would; in the order of their indexes. */
export async function createCrowd(
  platform: Pick<Platform, 'origin' | 'adminToken'>,
  { organisation, count, groupsOf }: CrowdOptions,
): Promise<readonly Citizen[]> {
  const admin = createApi(platform.origin, platform.adminToken);
  const suffix = randomUUID().slice(0, 8);
  const citizens: Citizen[] = [];
  await forEachAtOnce(Array.from({ length: count }).keys(), REQUESTS_AT_ONCE, async (index) => {
    const id = `citizen-${index}-${suffix}`;
    await admin.send('POST', '/api/principals', {
      id,
      name: id,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: groupsOf(index).map((group) => ({ organisation, group })),
    });
    const { token } = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
      principal: id,
      name: 'crowd',
    });
    citizens[index] = { id, token, api: createApi(platform.origin, token) };
  });
  return citizens;
}

/** Does the same with all of them, so many at once. */
export async function forEachAtOnce<Item>(
  items: Iterable<Item>,
  atOnce: number,
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  const turns = Iterator.from(items);
  const next = async (): Promise<void> => {
    for (const item of turns) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
