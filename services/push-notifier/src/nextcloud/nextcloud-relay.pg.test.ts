import { findRedisServer, objectMessage, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NextcloudWorld } from '../../test/nextcloud-world.ts';

const CUSTOM = 'notify_custom';
const NOTIFICATION = 'notify_notification';
const COLLECTION = 'or-collection-zaken-meldingen';
const collection = { register: 'zaken', schema: 'meldingen' };
const batch = { message: COLLECTION, body: { action: 'batch', ...collection } };

const noRedis = findRedisServer() === undefined;

describe.skipIf(noRedis)(
  `told in a Nextcloud${noRedis ? ' (skipped: there is no redis-server here)' : ''}`,
  () => {
    let world: NextcloudWorld;
    beforeEach(async () => {
      world = await NextcloudWorld.start();
    });
    afterEach(async () => {
      await world[Symbol.asyncDispose]();
    });

    test('who is switched on is told of each event in the form of notify_push, and then to look', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, "Bob O'R.@town");
      const row = await push.platform.created(push.row());
      await redis.untilNotified("Bob O'R.@town", 1);
      const { uuid } = row;
      const said = (action: string, version: string): string =>
        `"body":{"action":"${action}","register":"zaken","schema":"meldingen","uuid":"${uuid}","version":"${version}"}}`;
      const user = `{"user":"Bob O'R.@town"`;
      expect(redis.heard).toEqual([
        [CUSTOM, `${user},"message":"or-object-${uuid}",${said('create', '1')}`],
        [CUSTOM, `${user},"message":"${COLLECTION}",${said('create', '1')}`],
        [NOTIFICATION, `${user}}`],
      ]);
      redis.heard.length = 0;
      const next = await push.platform.updated(row, {});
      await redis.untilNotified("Bob O'R.@town", 1);
      expect(redis.heard).toEqual([
        [CUSTOM, `${user},"message":"or-object-${uuid}",${said('update', '2')}`],
        [NOTIFICATION, `${user}}`],
      ]);
      redis.heard.length = 0;
      await push.platform.deleted(next);
      await redis.untilNotified("Bob O'R.@town", 1);
      expect(redis.heard).toEqual([
        [CUSTOM, `${user},"message":"or-object-${uuid}",${said('delete', '3')}`],
        [CUSTOM, `${user},"message":"${COLLECTION}",${said('delete', '3')}`],
        [NOTIFICATION, `${user}}`],
      ]);
    });

    test('nobody is told what they may not read, nor who is not switched on', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      await world.switchOn(notifier, push.carol, 'carol');
      // A follower, and nobody in the Nextcloud.
      await notifier.changes(push.alice);
      const hidden = await push.platform.created(push.row({ status: 'intern', geheim: 'marked-property' }));
      const shown = await push.platform.created(push.row());
      await redis.untilNotified('bob');
      expect(redis.heard.map(([, text]) => text).join('\n')).not.toMatch(/carol|alice|marked-property/);
      expect(JSON.stringify(redis.of('bob'))).not.toContain(hidden.uuid);
      // It comes into what bob may read: to him it is new, and it is deleted when it leaves.
      const entered = await push.platform.updated(hidden, { properties: { status: 'open' } });
      await push.platform.updated(entered, { properties: { status: 'intern' } });
      const about = (uuid: string): unknown =>
        redis.of('bob').flatMap((message) => {
          const { message: name, body } = message as { message?: string; body?: { action: string } };
          return name === `or-object-${uuid}` ? [body?.action] : [];
        });
      await waitFor(() => (about(hidden.uuid) as string[]).length === 2, { what: 'bob is told of both' });
      expect(about(hidden.uuid)).toEqual(['create', 'delete']);
      expect(about(shown.uuid)).toEqual(['create']);
      expect(redis.of('carol')).toEqual([]);
    });

    test('who is switched off is not told any more', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      await world.switchOn(notifier, push.alice, 'alice');
      expect((await notifier.ask('DELETE', '/api/push/nextcloud/bob', push.bob)).status).toBe(204);
      await push.platform.created(push.row());
      await redis.untilNotified('alice');
      expect(redis.of('bob')).toEqual([]);
    });

    test('a change of rights is told as one of the collection, to those who see something else', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      await world.switchOn(notifier, push.alice, 'alice');
      // alice reads all rows by her group, before and after.
      await push.platform.change(push.policy, { authorization: { read: [{ group: 'behandelaars' }] } });
      await redis.untilNotified('bob');
      expect(redis.heard).toEqual([
        [CUSTOM, JSON.stringify({ user: 'bob', ...batch })],
        [NOTIFICATION, '{"user":"bob"}'],
      ]);
    });

    test('an event without images is told as one of the collection', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      await push.platform.createdWithoutImages(push.row());
      await redis.untilNotified('bob');
      expect(redis.heard).toEqual([
        [CUSTOM, JSON.stringify({ user: 'bob', ...batch })],
        [NOTIFICATION, '{"user":"bob"}'],
      ]);
    });

    test('when it is not known what changed, everybody is told to look', async () => {
      const { push, redis } = world;
      const before = await world.notifier();
      await world.switchOn(before, push.bob, 'bob');
      await push.stop(before);
      for (let count = 0; count < 5; count += 1) await push.platform.created(push.row());
      await push.platform.forget(1);
      await world.notifier();
      await redis.untilNotified('bob');
      expect(redis.heard).toEqual([[NOTIFICATION, '{"user":"bob"}']]);
    });

    test('two notifiers publish each event once', async () => {
      const { push, redis } = world;
      const [one] = [await world.notifier(), await world.notifier()];
      await world.switchOn(one, push.bob, 'bob');
      const rows = Array.from({ length: 300 }, () => push.row());
      for (const part of [rows.slice(0, 150), rows.slice(150)]) {
        await push.platform.append(part.map((row) => objectMessage('created', null, row)));
      }
      await redis.untilNotified('bob');
      const names = (): string[] =>
        redis.of('bob').flatMap((message) => (message as { message?: string }).message ?? []);
      await waitFor(() => names().length >= 600, { what: 'every event is told', timeoutMs: 20_000 });
      // What would come twice would be in front of this one.
      const last = await push.platform.created(push.row());
      await waitFor(() => names().includes(`or-object-${last.uuid}`), { what: 'the last event is told' });
      const wanted = [...rows, last].map(({ uuid }) => `or-object-${uuid}`);
      expect(
        names()
          .filter((name) => name !== COLLECTION)
          .toSorted(),
      ).toEqual(wanted.toSorted());
      expect(names().filter((name) => name === COLLECTION)).toHaveLength(301);
    });

    test('while Redis is away the work goes on; what is young is told when it is back, what is old becomes one notification', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      const since = (await notifier.changes(push.bob)).lastEventId;
      await redis.server.kill();
      const old = [push.row(), push.row(), push.row()];
      for (const row of old) await push.platform.created(row);
      const topics = await notifier.topicsSince(push.bob, since, push.platform.position);
      expect(topics).toEqual(['register/zaken/schema/meldingen']);
      expect(notifier.service.ready()).toBe(true);
      await world.pass(60_000, notifier);
      const young = await push.platform.created(push.row());
      await notifier.topicsSince(push.bob, since, push.platform.position);
      await redis.restart();
      await redis.untilNotified('bob');
      const names = redis.of('bob').flatMap((message) => (message as { message?: string }).message ?? []);
      expect(names).toEqual([`or-object-${young.uuid}`, COLLECTION]);
      expect(redis.notified('bob')).toBe(1);
      const said = notifier.logLines.join('');
      expect(said).toContain('the Redis of the Nextcloud cannot be told');
      expect(said).not.toContain('marked-secret');
    });

    test('while Redis is silent the work goes on, and nothing is lost when it speaks again', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      const since = (await notifier.changes(push.bob)).lastEventId;
      redis.server.freeze();
      const rows = [push.row(), push.row()];
      for (const row of rows) await push.platform.created(row);
      const topics = await notifier.topicsSince(push.bob, since, push.platform.position);
      expect(topics).toEqual(['register/zaken/schema/meldingen']);
      expect(notifier.service.ready()).toBe(true);
      await waitFor(() => notifier.logLines.some((line) => line.includes('cannot be told')), {
        what: 'Redis is given up',
        timeoutMs: 20_000,
      });
      redis.server.thaw();
      // What it had been sent when it was given up may come twice.
      const told = (): readonly string[] =>
        redis.of('bob').flatMap((message) => (message as { message?: string }).message ?? []);
      await waitFor(() => rows.every(({ uuid }) => told().includes(`or-object-${uuid}`)), {
        what: 'every event is told',
        timeoutMs: 20_000,
      });
      await redis.untilNotified('bob');
    });

    test.each([
      ['a wrong password', { url: (url: string) => url.replace('marked', 'wrong'), rules: [] }, 'WRONGPASS'],
      ['no right to the channel', { url: (url: string) => url, rules: ['resetchannels'] }, 'NOPERM'],
    ])('%s does not hold up the work, nor is the notifier unready', async (_what, { url, rules }, code) => {
      const { push, redis } = world;
      await redis.setPublisher(...rules);
      const notifier = await world.notifier(url(redis.url));
      await world.switchOn(notifier, push.bob, 'bob');
      const since = (await notifier.changes(push.bob)).lastEventId;
      await push.platform.created(push.row());
      const topics = await notifier.topicsSince(push.bob, since, push.platform.position);
      expect(topics).toEqual(['register/zaken/schema/meldingen']);
      await waitFor(() => notifier.logLines.some((line) => line.includes(`"code":"${code}"`)), {
        what: 'it says why Redis refuses',
      });
      expect(notifier.logLines.join('')).not.toMatch(/marked-secret|wrong-secret/);
      expect(redis.heard).toEqual([]);
      await world.pass(60_000, notifier);
      await redis.setPublisher('>wrong-secret', '&notify_*');
      await redis.untilNotified('bob');
      expect(redis.heard).toEqual([[NOTIFICATION, '{"user":"bob"}']]);
    });

    test('a notifier that is told to stop publishes what waits first', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      const rows = Array.from({ length: 2000 }, () => push.row());
      const since = (await notifier.changes(push.bob)).lastEventId;
      for (let from = 0; from < rows.length; from += 500) {
        const part = rows.slice(from, from + 500);
        await push.platform.append(part.map((row) => objectMessage('created', null, row)));
      }
      await notifier.topicsSince(push.bob, since, push.platform.position);
      await push.stop(notifier);
      const told = new Set(redis.of('bob').map((message) => (message as { message?: string }).message));
      expect(rows.filter(({ uuid }) => !told.has(`or-object-${uuid}`))).toEqual([]);
    });

    test('what waits for Redis when rights are changed is not told any more', async () => {
      const { push, redis } = world;
      const notifier = await world.notifier();
      await world.switchOn(notifier, push.bob, 'bob');
      const since = (await notifier.changes(push.bob)).lastEventId;
      await redis.server.kill();
      await push.platform.created(push.row());
      await notifier.topicsSince(push.bob, since, push.platform.position);
      await push.platform.change(push.policy, { authorization: { read: [] } });
      await notifier.topicsSince(push.bob, since, push.platform.position);
      await redis.restart();
      await redis.untilNotified('bob');
      expect(redis.of('bob')).toEqual([
        { channel: CUSTOM, user: 'bob', ...batch },
        { channel: NOTIFICATION, user: 'bob' },
      ]);
    });
  },
);
