import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { EditRace, HIDDEN_WORD, SHOWN_WORD } from '../support/edit-race.ts';
import type { RaceTable, RaceVariant } from '../support/edit-race.ts';
import { Editor } from '../support/editor.ts';
import { createOrganisation, createPerson } from '../support/people.ts';
import type { Person } from '../support/people.ts';

/** A short run in every `npm test`; the long one sets 1000. */
const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 50);
/** Races that run at the same time, each between other people. */
const LANES = 4;

const plain = { way: 'patch', gateways: 2, announced: 'before', apart: false, open: false } as const;
const VARIANTS: readonly RaceVariant[] = [
  { ...plain, name: 'two gateways' },
  { ...plain, name: 'one gateway', gateways: 1 },
  { ...plain, name: 'the announcement races the write', announced: 'meanwhile' },
  { ...plain, name: 'the same on one gateway', announced: 'meanwhile', gateways: 1 },
  { ...plain, name: 'announced when it is overwritten already', announced: 'after' },
  { ...plain, name: 'a batch', way: 'batch' },
  { ...plain, name: 'the face of registers', way: 'register' },
  { ...plain, name: 'plain SQL', way: 'sql' },
  { ...plain, name: 'the edit is of another field', apart: true },
  { ...plain, name: 'everybody may read the field', open: true },
  { ...plain, name: 'and the announcement races the write', open: true, announced: 'meanwhile' },
];

let platform: Platform;
let table: RaceTable;
let organisation: string;
let marker: Person;
let editors: Editor[] = [];

beforeAll(async () => {
  platform = await sharedPlatform();
  organisation = await createOrganisation(platform);
  table = await createTable();
  marker = await createPerson(platform, 'marker', { organisation, groups: ['handlers'] });
});

afterEach(() => {
  for (const editor of editors) editor[Symbol.dispose]();
  editors = [];
});

afterAll(() => platform[Symbol.asyncDispose]());

async function createTable(): Promise<RaceTable> {
  const admin = createApi(platform.origin, platform.adminToken);
  const register = `races-${randomUUID().slice(0, 13)}`;
  const slug = `orders-${randomUUID().slice(0, 13)}`;
  await admin.send('POST', '/api/registers', { slug: register });
  await admin.send('POST', '/api/schemas', {
    register,
    slug: 'orders',
    table: slug,
    authorization: { read: ['authenticated'], create: ['authenticated'], update: ['authenticated'] },
    properties: {
      note: {
        type: 'string',
        authorization: { read: ['handlers', { group: 'authenticated', match: { open: true } }] },
      },
      secret: { type: 'string', authorization: { read: ['handlers'] } },
      title: { type: 'string' },
      open: { type: 'boolean' },
    },
  });
  return { slug, collection: `${register}/orders` };
}

/** A connection of the person on a gateway, closed with the test. */
async function edit(person: Person, gateway: number): Promise<Editor> {
  const editor = await Editor.open(person, platform.gateways[gateway % 2]?.url ?? '');
  editors.push(editor);
  return editor;
}

/** The rounds of one lane, between two people with a connection on each gateway, and one who looks on. */
async function race(lane: number): Promise<void> {
  const groups = ['handlers'];
  const one = await createPerson(platform, 'one', { organisation, groups });
  const other = await createPerson(platform, 'other', { organisation, groups });
  const stranger = await createPerson(platform, 'onlooker', { organisation });
  const ones = await Promise.all([edit(one, 0), edit(one, 1)]);
  const others = await Promise.all([edit(other, 0), edit(other, 1)]);
  const onlooker = await edit(stranger, lane);
  const told = new Map<Editor, number>([...ones, ...others, onlooker].map((editor) => [editor, 0]));
  for (let round = lane; round < ROUNDS; round += LANES) {
    const variant = VARIANTS[round % VARIANTS.length] ?? { ...plain, name: 'two gateways' };
    const side = Math.floor(round / VARIANTS.length) % 2;
    const [first, second] = [ones[side], others[variant.gateways === 1 ? side : 1 - side]];
    if (first === undefined || second === undefined) throw new Error('two gateways are expected');
    const parties = { platform, table, one: first, other: second, onlooker, marker };
    for (const [editor, count] of await new EditRace(parties, variant, round).run()) {
      told.set(editor, (told.get(editor) ?? 0) + count);
    }
  }
  for (const [editor, count] of told) {
    await editor.ping();
    expect(editor.socket.of('conflict'), editor.person.name).toHaveLength(count);
    expect(editor.socket.closed).toBeUndefined();
  }
}

test(
  `the loser's pending edit gets conflict with the winner's value, ${ROUNDS} times`,
  { timeout: 120_000 + ROUNDS * 3000 },
  async () => {
    await Promise.all(Array.from({ length: LANES }, (_, lane) => race(lane)));
    const heard = editors
      .filter(({ person }) => person.id.startsWith('onlooker'))
      .flatMap(({ socket }) => socket.messages.map((message) => JSON.stringify(message)));
    expect(heard.filter((text) => text.includes(HIDDEN_WORD))).toEqual([]);
    if (ROUNDS >= VARIANTS.length) expect(heard.filter((text) => text.includes(SHOWN_WORD))).not.toEqual([]);
  },
);

test('who may never read a field cannot announce an edit of it, and hears nothing of its values', async () => {
  const stranger = await createPerson(platform, 'stranger', { organisation });
  const editor = await edit(stranger, 1);
  const path = `/api/tables/${table.slug}/records`;
  const fields = { secret: 'hidden before', title: 'before' };
  const { id: recordId, updatedAt } = await marker.api.send<{ id: string; updatedAt: string }>('POST', path, {
    fields,
  });
  editor.announce({ table: table.slug, recordId, fields: ['secret', 'title'], updatedAt });
  await expect(editor.confirm()).rejects.toThrow('UNKNOWN_FIELD');
  editor.announce({ table: table.slug, recordId, fields: ['title'], updatedAt });
  await editor.confirm();
  await marker.api.send('PATCH', `${path}/${recordId}`, { fields: { secret: 'hidden after' } });
  await marker.api.send('PATCH', `${path}/${recordId}`, { fields: { secret: 'hidden', title: 'after' } });
  const conflicts = await editor.untilConflicts(recordId, 1);
  expect(conflicts).toMatchObject([
    { overwrittenFields: ['title'], authoritativeRecord: { fields: { title: 'after' } } },
  ]);
  expect(JSON.stringify(editor.socket.messages)).not.toContain(HIDDEN_WORD);
});
