import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';

test('delivers created, updated and deleted as CloudEvents in the order of the log', async () => {
  await using world = await World.start();
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(world.secret(world.alice), 'topic=register/zaken/schema/meldingen');
  expect(stream.status).toBe(200);
  const { platform } = world;
  const row = await platform.created(world.row({ titel: 'a', status: 'nieuw' }));
  const next = await platform.updated(row, { properties: { titel: 'a', status: 'open' } });
  await platform.deleted(next);
  const events = await stream.until(3);
  expect(events.map(({ event }) => event)).toEqual(['object.created', 'object.updated', 'object.deleted']);
  expect(events.map(({ id }) => id)).toEqual(
    [platform.last - 2, platform.last - 1, platform.last].map((n) => platform.id(n)),
  );
  expect(events[1]?.data).toMatchObject({
    specversion: '1.0',
    id: events[1]?.id,
    type: 'nl.conduction.openregister.object.updated',
    subject: row.uuid,
    data: { register: 'zaken', schema: 'meldingen', changed: { status: { old: 'nieuw', new: 'open' } } },
  });
  expect(stream.text).not.toContain('traceparent');
  expect(stream.text).not.toContain('0af7651916cd43dd8448eb211c80319c');
});
