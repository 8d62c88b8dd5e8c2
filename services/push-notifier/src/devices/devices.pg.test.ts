import { DEVICE_PATHS, pushSubscriptionSchema } from '@tidewire/contract';
import type { DeviceView } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { Person } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPushEndpoint } from '../../test/push-endpoint.ts';
import type { PushEndpoint } from '../../test/push-endpoint.ts';
import { PushWorld } from '../../test/world.ts';
import type { TestNotifier } from '../../test/world.ts';

const MELDINGEN = 'register/zaken/schema/meldingen';

let world: PushWorld;
let notifier: TestNotifier;
let endpoint: PushEndpoint;

beforeAll(async () => {
  world = await PushWorld.start();
  notifier = await world.notifier({ TIDEWIRE_PUSH_PRIVATE_TARGETS: 'true' });
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

beforeEach(async () => {
  endpoint = await startPushEndpoint();
  return async () => await endpoint[Symbol.asyncDispose]();
});

async function register(who: Person, topics: readonly string[], kind = 'web-push'): Promise<DeviceView> {
  const subscription = pushSubscriptionSchema.parse(endpoint.subscribe());
  const payload = { kind, subscription, topics, maxPerHour: 120 };
  const { status, body } = await notifier.ask('POST', DEVICE_PATHS.devices, who, {}, payload);
  expect([status, body.code]).toEqual([201, undefined]);
  return body as DeviceView;
}

const untilTold = async (count: number): Promise<void> => {
  await waitFor(() => endpoint.messages.length >= count, {
    what: `${count} messages come`,
    timeoutMs: 15_000,
  });
};

test.each(['web-push', 'unified-push'])(
  'a device (%s) is told under which topic something changed and where to look, and never what',
  async (kind) => {
    await register(world.bob, [MELDINGEN], kind);
    const since = world.platform.position;
    await world.platform.created(world.row({ titel: 'Losse tegel' }));
    await untilTold(1);
    const changes = `/api/push/changes?since=${since}`;
    expect(endpoint.json()).toEqual([{ type: 'changed', since, topics: [MELDINGEN], changes }]);
    const answer = await notifier.ask('GET', changes, world.bob);
    expect(answer.body.changes.map(({ topic }: { topic: string }) => topic)).toEqual([MELDINGEN]);
  },
);

test('each form of topic reaches those who asked for it, and a row that one may not read reaches nobody', async () => {
  const row = world.row();
  await register(world.bob, [`object/${row.uuid}`]);
  await register(world.alice, ['register/zaken']);
  await register(world.alice, [`organisation/${world.organisation.id}`]);
  await world.platform.created(world.row({ status: 'intern' }));
  await untilTold(2);
  expect(endpoint.json()).toMatchObject([{ type: 'changed' }, { type: 'changed' }]);
  expect(JSON.stringify(endpoint.json())).not.toContain('object/');
  await world.platform.created(row);
  await waitFor(
    () => endpoint.json().some((message) => JSON.stringify(message).includes(`object/${row.uuid}`)),
    { what: 'bob’s device is told', timeoutMs: 15_000 },
  );
});

test('a topic that is not there is refused in the words for one that may not be seen, and a device of a token goes with it', async () => {
  const subscription = endpoint.subscribe();
  const refusals = await Promise.all(
    ['register/nergens', 'register/zaken'].map(async (topic) => {
      const answer = await notifier.ask(
        'POST',
        DEVICE_PATHS.devices,
        world.carol,
        {},
        {
          subscription,
          topics: [topic],
        },
      );
      return [answer.status, String(answer.body.message).replace(topic, 'X')];
    }),
  );
  expect(refusals[0]).toEqual(refusals[1]);
  expect(refusals[0]?.[0]).toBe(404);
  const credential = { ...world.bob.credential, id: crypto.randomUUID() };
  await world.platform.set(credential);
  const device = await register({ ...world.bob, credential }, [MELDINGEN]);
  await world.platform.change(credential, { endedAt: new Date().toISOString() });
  await world.platform.created(world.row());
  await waitFor(
    async () =>
      (await notifier.ask('GET', DEVICE_PATHS.device.replace('{id}', device.id), world.bob)).status === 404,
    { what: 'the device is gone', timeoutMs: 15_000 },
  );
  expect(endpoint.messages).toEqual([]);
});
