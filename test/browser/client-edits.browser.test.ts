import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClientTab, ShownRow } from './client-tab.ts';
import { ClientWorld } from './client-world.ts';
import type { ClientScene } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await ClientWorld.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** The first row as a tab shows it. */
async function firstRow(tab: ClientTab): Promise<ShownRow | undefined> {
  return (await tab.describe()).rows[0];
}

async function untilTitle(tab: ClientTab, title: string): Promise<void> {
  await waitFor(async () => (await firstRow(tab))?.fields['titel'] === title, {
    what: `it is called ${title}`,
    timeoutMs: 20_000,
  });
}

/** Begins to write in the page; what comes of it is left in `driver.written`. */
async function begin(tab: ClientTab, writing: string): Promise<void> {
  await tab.run(`
    driver.written = undefined;
    ${writing}.then(
      (row) => { driver.written = { row }; },
      ({ name, code, status, conflict }) => { driver.written = { error: { name, code, status, conflict } }; },
    );`);
}

async function outcome(tab: ClientTab): Promise<unknown> {
  return await waitFor(() => tab.ask<object | undefined>('driver.written'), {
    what: 'the write is over',
    timeoutMs: 30_000,
  });
}

/** One row, of which the number and the text are there to be changed by two. */
async function oneRow(scene: ClientScene): Promise<string> {
  await scene.rows.write(1);
  return scene.rows.ids[0] ?? '';
}

test.concurrent(
  'what somebody writes is shown at once, and in the browser of somebody else once it is written',
  async () => {
    await using scene = await world.enter();
    const id = await oneRow(scene);
    const [alice, bob] = [await scene.open('alice'), await scene.open('bob')];
    await alice.until('live', 'websocket');
    await bob.until('live', 'websocket');
    scene.proxy.others = 'reset';
    await begin(alice, `driver.source.update('${id}', { titel: 'by Alice' })`);
    await untilTitle(alice, 'by Alice');
    expect(await firstRow(alice)).toMatchObject({ pending: 'update' });
    expect(await firstRow(bob)).toMatchObject({ fields: { titel: 'row 1' } });
    scene.proxy.mend();
    await untilTitle(bob, 'by Alice');
    expect(await outcome(alice)).toMatchObject({ row: { id, fields: { titel: 'by Alice' } } });
    expect(await firstRow(alice)).toMatchObject({ pending: null });

    await begin(alice, `driver.source.insert({ titel: 'another', status: 'nieuw' })`);
    await outcome(alice);
    await begin(alice, `driver.source.delete('${id}')`);
    await outcome(alice);
    for (const [tab, name] of [
      [alice, 'alice'],
      [bob, 'bob'],
    ] as const) {
      await scene.untilEqual(tab, name);
      expect((await tab.describe()).rows.map(({ fields }) => fields['titel'])).toEqual(['another']);
      expect(await tab.ask('driver.errors')).toEqual([]);
    }
  },
);

test.concurrent.for([
  { who: 'bob', value: "{ titel: 'by Bob' }", status: 404 },
  { who: 'alice', value: '{ prioriteit: 99 }', status: 400 },
] as const)('what the server refuses to $who with $status is taken back', async ({ who, value, status }) => {
  await using scene = await world.enter();
  const id = await oneRow(scene);
  const tab = await scene.open(who);
  await tab.until('live', 'websocket');
  const before = await firstRow(tab);
  // While the answer takes its time, what was written is shown.
  await tab.run(`
    driver.pending = [];
    driver.source.subscribe(() => driver.pending.push(driver.source.getSnapshot().rows[0].pending));`);
  await begin(tab, `driver.source.update('${id}', ${value})`);
  expect(await outcome(tab)).toMatchObject({ error: { name: 'ClientError', status } });
  await waitFor(async () => (await firstRow(tab))?.pending === null, { what: 'it is taken back' });
  expect(await firstRow(tab)).toEqual(before);
  expect(await tab.ask<readonly unknown[]>('driver.pending')).toContain('update');
  expect(await tab.ask('driver.errors')).toEqual([]);
});

test.concurrent(
  'who edits is told while they still type what somebody else wrote, and may write over it',
  async () => {
    await using scene = await world.enter();
    const id = await oneRow(scene);
    const tab = await scene.open('alice');
    await tab.until('live', 'websocket');
    await tab.run(`driver.edit = driver.source.edit('${id}', ['titel'])`);
    await scene.town
      .as('alice')
      .send('PATCH', `/api/objects/${scene.town.collection}/${id}`, { prioriteit: 5 });
    await scene.town.admin.send('PATCH', `/api/objects/${scene.town.collection}/${id}`, { titel: 'theirs' });
    const told = (): Promise<readonly unknown[]> => tab.ask('driver.conflicts');
    await waitFor(async () => (await told()).length > 0, { what: 'Alice is told', timeoutMs: 20_000 });
    expect(await told()).toMatchObject([{ id, fields: ['titel'], theirs: { fields: { titel: 'theirs' } } }]);
    await begin(tab, `driver.edit.save({ titel: 'mine all the same' })`);
    expect(await outcome(tab)).toMatchObject({
      row: { fields: { titel: 'mine all the same', prioriteit: 5 } },
    });
    await untilTitle(tab, 'mine all the same');
    expect(await tab.ask('driver.errors')).toEqual([]);
  },
);

test.concurrent(
  'who writes what somebody else has changed meanwhile is told, and nothing is overwritten',
  async () => {
    await using scene = await world.enter();
    const id = await oneRow(scene);
    const tab = await scene.open('alice', { refreshMode: 'static' });
    await tab.until('settled');
    await scene.town.admin.send('PATCH', `/api/objects/${scene.town.collection}/${id}`, { titel: 'theirs' });
    await begin(tab, `driver.source.update('${id}', { titel: 'mine' })`);
    expect(await outcome(tab)).toMatchObject({
      error: {
        name: 'ConflictError',
        status: 409,
        conflict: {
          id,
          fields: ['titel'],
          mine: { titel: 'mine' },
          theirs: { fields: { titel: 'theirs' } },
        },
      },
    });
    await untilTitle(tab, 'theirs');
    expect(await tab.ask<readonly unknown[]>('driver.conflicts')).toHaveLength(1);
    await begin(tab, `driver.source.update('${id}', { titel: 'mine, now that I know' })`);
    await outcome(tab);
    expect(await scene.listed()).toMatchObject([{ id, fields: { titel: 'mine, now that I know' } }]);
  },
);
