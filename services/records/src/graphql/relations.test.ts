import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { BESLUITEN, MELDINGEN, openFace, presented, uuidOf } from '../../test/graphql-face.ts';
import type { FaceParts } from '../../test/graphql-face.ts';
import type { PresentedObject } from '../objects/object-access.ts';

const QUERY = '{ besluiten(first: 1000) { nodes { _uuid meldingObject { _uuid titel } } } }';

/** Decisions about so many cases, and what was asked for to answer. */
function world(count: number, targetOf: (index: number) => unknown) {
  const asked: (readonly [schemaId: string, count: number])[] = [];
  const parts: FaceParts = {
    page: async () =>
      Array.from({ length: count }, (_, index) => presented(uuidOf(index), { melding: targetOf(index) })),
    find: async (schemaId, uuids) => {
      asked.push([schemaId, uuids.length]);
      const objects = new Map<string, PresentedObject>();
      for (const id of uuids)
        if (!id.endsWith('7')) objects.set(id, presented(id, { titel: `T${id.slice(-4)}` }));
      return { objects, bytes: 1 };
    },
  };
  return { face: openFace(parts), asked };
}

test('what the rows of a page refer to is read in one statement, however many rows there are', async () => {
  const { face, asked } = world(1000, (index) => uuidOf(5000 + index));
  const { body } = await face.ask({ query: QUERY });
  expect(body.errors).toBeUndefined();
  expect(asked).toEqual([[MELDINGEN, 1000]]);
});

test('what several rows refer to is read once', async () => {
  const { face, asked } = world(500, () => uuidOf(5000).toUpperCase());
  const { body } = await face.ask({ query: QUERY });
  const { nodes } = (body.data as { besluiten: { nodes: { meldingObject: unknown }[] } }).besluiten;
  expect(new Set(nodes.map(({ meldingObject }) => JSON.stringify(meldingObject)))).toEqual(
    new Set([JSON.stringify({ _uuid: uuidOf(5000), titel: 'T5000' })]),
  );
  expect(asked).toEqual([[MELDINGEN, 1]]);
});

test('more than a page has is read in as few statements as that takes', async () => {
  const { face, asked } = world(1, () => undefined);
  const lists = [0, 1, 2].map((number) =>
    presented(uuidOf(number), {
      besluiten: Array.from({ length: 800 }, (_, index) => uuidOf(number * 1000 + index)),
    }),
  );
  const many = openFace({
    page: async () => lists,
    find: async (schemaId, uuids) => {
      asked.push([schemaId, uuids.length]);
      return { objects: new Map(uuids.map((id) => [id, presented(id, {})])), bytes: 1 };
    },
  });
  const { body } = await many.ask({ query: '{ meldingen { nodes { besluitenObjects { _uuid } } } }' });
  expect(body.errors).toBeUndefined();
  expect(asked).toEqual([
    [BESLUITEN, 1000],
    [BESLUITEN, 1000],
    [BESLUITEN, 400],
  ]);
  expect(face.logged).toEqual([]);
});

test('relations of relations are read level by level, one statement each', async () => {
  const asked: string[] = [];
  const face = openFace({
    page: async () => [1, 2, 3].map((number) => presented(uuidOf(number), { melding: uuidOf(10 + number) })),
    find: async (schemaId, uuids) => {
      asked.push(`${schemaId === MELDINGEN ? 'meldingen' : 'besluiten'} ${uuids.length}`);
      const values =
        schemaId === MELDINGEN ? { besluiten: [uuidOf(20), uuidOf(21)] } : { melding: uuidOf(30) };
      return { objects: new Map(uuids.map((id) => [id, presented(id, values)])), bytes: 1 };
    },
  });
  const { body } = await face.ask({
    query: '{ besluiten { nodes { meldingObject { besluitenObjects { meldingObject { _uuid } } } } } }',
  });
  expect(body.errors).toBeUndefined();
  expect(asked).toEqual(['meldingen 3', 'besluiten 2', 'meldingen 1']);
});

test('a target that is absent or may not be read is null, and left out of lists; values that are no ids lead nowhere', async () => {
  const { face } = world(4, (index) => [uuidOf(7), uuidOf(8), 'nonsense', 12][index]);
  const { body } = await face.ask({ query: QUERY });
  expect(body).toEqual({
    data: {
      besluiten: {
        nodes: [
          { _uuid: uuidOf(0), meldingObject: null },
          { _uuid: uuidOf(1), meldingObject: { _uuid: uuidOf(8), titel: 'T0008' } },
          { _uuid: uuidOf(2), meldingObject: null },
          { _uuid: uuidOf(3), meldingObject: null },
        ],
      },
    },
  });
  const lists = openFace({
    page: async () => [
      presented(uuidOf(1), { besluiten: [uuidOf(7), uuidOf(8), null, uuidOf(8)] }),
      presented(uuidOf(2), { besluiten: 'none' }),
      presented(uuidOf(3), {}),
    ],
    find: async (_schemaId, uuids) => ({
      objects: new Map(uuids.filter((id) => id === uuidOf(8)).map((id) => [id, presented(id, {})])),
      bytes: 1,
    }),
  });
  const answer = await lists.ask({ query: '{ meldingen { nodes { besluitenObjects { _uuid } } } }' });
  const target = { _uuid: uuidOf(8) };
  expect(answer.body).toEqual({
    data: {
      meldingen: {
        nodes: [
          { besluitenObjects: [target, target] },
          { besluitenObjects: null },
          { besluitenObjects: null },
        ],
      },
    },
  });
});

test('a relation whose schema may not be read any more is null', async () => {
  const face = openFace({
    page: async () => [presented(uuidOf(0), { melding: uuidOf(1) })],
    find: async () => {
      throw new TidewireError('NOT_FOUND', 'Not found.');
    },
  });
  expect((await face.ask({ query: '{ besluiten { nodes { meldingObject { titel } } } }' })).body).toEqual({
    data: { besluiten: { nodes: [{ meldingObject: null }] } },
  });
});

test('who may not read what an object refers to is not told what it is', async () => {
  const face = openFace({
    page: async () => [presented(uuidOf(0), {}, ['melding'])],
  });
  const { body, codes } = await face.ask({
    query: '{ besluiten { nodes { melding meldingObject { titel } } } }',
  });
  expect(body.data).toEqual({ besluiten: { nodes: [{ melding: null, meldingObject: null }] } });
  expect(codes).toEqual(['FIELD_FORBIDDEN', 'FIELD_FORBIDDEN']);
});
