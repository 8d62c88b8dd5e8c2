import { expect, test } from 'vitest';
import type { Message } from './expectation.ts';
import {
  eventTypeOf,
  eventsFieldOf,
  graphqlMessageOf,
  graphqlTold,
  isInOrder,
  rowToldBy,
  selectedRowOf,
} from './graphql-face.ts';
import type { GraphqlOperation } from './graphql-face.ts';
import { graphqlFilter } from './graphql-filter.ts';
import { createOperation } from './graphql-generator.ts';
import { Random } from './random.ts';
import type { Image, PropertyKind, Schema } from './rights.ts';

const SCHEMA: Schema = {
  id: 's',
  slug: 'open-cases-1',
  registerId: 'r',
  register: 'town',
  table: 'cases',
  properties: new Map<string, PropertyKind>([
    ['status', 'string'],
    ['prio', 'integer'],
    ['tags', 'list'],
    ['constructor', 'string'],
  ]),
};
const DOCUMENT = { query: '', operationName: undefined, variables: {} };
const ID = 'evt-00000000-000000000007';

function selecting(...selection: (readonly [string, string])[]): GraphqlOperation {
  return {
    schema: SCHEMA,
    ...DOCUMENT,
    root: 'rows',
    list: {
      ...DOCUMENT,
      schema: SCHEMA,
      root: 'list',
      shape: 'nodes',
      selection: { fields: new Map(), related: undefined },
    },
    selection: new Map(selection),
  };
}

const WHOLE = selecting(
  ['_uuid', '_uuid'],
  ['what', '_event'],
  ['_changed', '_changed'],
  ['__proto__', 'status'],
  ['prio', 'prio'],
  ['built', 'constructor'],
);

const told = (rows: object, errors?: object[]): Message =>
  graphqlTold(WHOLE, {
    id: ID,
    name: 'next',
    // The name of a member that no literal can have.
    text: JSON.stringify({ data: { rows }, errors }).replaceAll('"proto"', '"__proto__"'),
  });

const UPDATED: Message = {
  name: 'object.updated',
  data: { uuid: 'u', object: { _uuid: 'u', status: 'new' }, changed: { status: {}, prio: {} } },
  mayRead: new Set(['status', 'prio']),
};
const FORBIDDEN = {
  message: "You may not read 'built'",
  path: ['rows', 'built'],
  extensions: { code: 'FIELD_FORBIDDEN' },
};

test('a slug is called in GraphQL as the documents say', () => {
  expect(eventsFieldOf(SCHEMA)).toBe('openCases1Events');
  expect(eventTypeOf(SCHEMA)).toBe('OpenCases1Event');
});

test('what may not be read is an error, and what a row has not is none', () => {
  const rows = {
    _uuid: 'u',
    what: 'UPDATED',
    _changed: ['prio', 'status'],
    proto: 'new',
    prio: null,
    built: null,
  };
  expect(graphqlMessageOf(WHOLE, UPDATED, ID)).toEqual(told(rows, [FORBIDDEN]));
  expect(graphqlMessageOf(WHOLE, UPDATED, ID)).not.toEqual(told(rows));
  expect(graphqlMessageOf(WHOLE, UPDATED, ID)).not.toEqual(told(rows, [FORBIDDEN, FORBIDDEN]));
});

test('a row that left is told by its id alone, and no error says what might have been read', () => {
  const left: Message = { name: 'object.deleted', data: { uuid: 'u', transition: 'left' } };
  const rows = { _uuid: 'u', what: 'REMOVED', _changed: null, proto: null, prio: null, built: null };
  expect(graphqlMessageOf(WHOLE, left, ID)).toEqual(told(rows));
  expect(graphqlMessageOf(WHOLE, { ...left, data: { uuid: 'u' } }, ID).data).toMatchObject({
    data: { rows: { what: 'DELETED' } },
  });
});

test('members stand in the order in which they were asked for', () => {
  const two = selecting(['b', 'status'], ['a', 'prio']);
  const event = (text: string): boolean => isInOrder(two, { id: ID, name: 'next', text });
  expect(event('{"data":{"rows":{"b":1,"a":2}}}')).toBe(true);
  expect(event('{"data":{"rows":{"a":2,"b":1}}}')).toBe(false);
  expect(event('{"data":{"rows":{"b":1,"a":2,"c":3}}}')).toBe(false);
});

test('what an event tells of a row is what a list gives of it', () => {
  const text =
    '{"data":{"rows":{"_uuid":"u","what":"ENTERED","_changed":null,"__proto__":"new","prio":2,"built":null}}}';
  const seen: Image = { id: 'u', _uuid: 'u', status: 'new', prio: 2 };
  expect(rowToldBy(WHOLE, text)).toEqual({ uuid: 'u', object: selectedRowOf(WHOLE, seen) });
  expect(rowToldBy(WHOLE, text.replace('ENTERED', 'REMOVED'))).toEqual({ uuid: 'u', object: undefined });
});

test('a filter says each condition, two on one field together', () => {
  const terms = [
    { field: 'prio', operator: 'gte', values: ['2'] },
    { field: 'prio', operator: 'eq', values: ['3'] },
    { field: 'status', operator: '^', values: ['n'] },
    { field: 'tags', operator: 'eq', values: ['a'] },
    { field: 'constructor', operator: 'null', values: ['true'] },
  ];
  expect({ ...graphqlFilter(SCHEMA, terms, () => false) }).toEqual({
    prio: { gte: 2, eq: 3 },
    status: { startsWith: 'n' },
    tags: { contains: 'a' },
    constructor: { eq: null },
  });
  expect({ ...graphqlFilter(SCHEMA, terms.slice(3), () => true) }).toEqual({
    tags: 'a',
    constructor: { exists: false },
  });
});

test('some documents say what they ask for in ways that are hard to read', () => {
  const made = Array.from({ length: 200 }, (_, index) =>
    createOperation(Random.of(3, index), {
      schema: SCHEMA,
      filter: [{ field: 'prio', operator: 'gt', values: ['1'] }],
      alternatives: undefined,
      events: undefined,
    }),
  );
  const documents = made.map(({ query }) => query).join('\n');
  for (const part of [
    '...Part0',
    '__proto__: ',
    '@skip',
    '@include(if: $yes)',
    'filter: $filter',
    '_and: [',
  ]) {
    expect(documents).toContain(part);
  }
});
