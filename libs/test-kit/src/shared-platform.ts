import { BUS_USERS } from '@tidewire/local';
import { openOwnerSql, readLog } from './platform-access.ts';
import type { Platform } from './platform.ts';
import { takeTurn } from './shared-turn.ts';
import { startPlatform } from './start-platform.ts';
import { sharedServer } from './test-run.ts';

/** What tells the workers of a run where its platform is. */
type PlatformFacts = Pick<
  Platform,
  | 'origin'
  | 'adminToken'
  | 'dataFolder'
  | 'ownerUrl'
  | 'gateways'
  | 'records'
  | 'notifiers'
  | 'urls'
  | 'natsServer'
> & { readonly natsUrls: Readonly<Record<string, string>> };

/** For the keeper: the platform that the whole run shares, and how to stop it. */
export async function startPlatformForAll(): Promise<{ facts: PlatformFacts; stop(): Promise<void> }> {
  const platform = await startPlatform({ gateways: 2, notifiers: 1 });
  const { origin, adminToken, dataFolder, ownerUrl, gateways, records, notifiers, urls, natsServer } =
    platform;
  const natsUrls = Object.fromEntries(BUS_USERS.map((user) => [user, platform.natsUrl(user)]));
  return {
    facts: {
      origin,
      adminToken,
      dataFolder,
      ownerUrl,
      gateways,
      records,
      notifiers,
      urls,
      natsServer,
      natsUrls,
    },
    stop: async () => {
      await platform[Symbol.asyncDispose]();
    },
  };
}

/**
 * A platform with two gateways that other test files use too, each in its turn: this waits until the one before has given it
 * back. Nothing in it may be killed or restarted, and what a test counts has to be its own. Started once per run, which
 * saves a start per file.
 */
export async function sharedPlatform(): Promise<Platform> {
  const endTurn = await takeTurn('platform');
  const { natsUrls, ...facts } = await sharedServer<PlatformFacts>('platform');
  const owner = openOwnerSql(facts.ownerUrl);
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('other tests use this platform too: start one of your own'));
  return {
    ...facts,
    sql: owner.sql,
    natsUrl: (user) => {
      const url = natsUrls[user];
      if (url === undefined) throw new Error(`NATS has no user ${user}`);
      return url;
    },
    kill: refuse,
    restart: refuse,
    log: (name) => readLog(facts.dataFolder, name),
    [Symbol.asyncDispose]: async () => {
      endTurn();
      await owner.close();
    },
  };
}
