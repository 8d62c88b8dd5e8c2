import { expect, test } from 'vitest';
import { ALWAYS, and, compare, empty, exists, matchText, oneOf, type Condition } from './condition.ts';
import { fieldTypesOf } from './field-types.ts';
import { FILTER_LIMITS } from './limits.ts';
import { parseQueryFilter } from './query-filter.ts';

const types = fieldTypesOf({
  status: { type: 'string' },
  title: { type: 'string' },
  prioriteit: { type: 'integer' },
  score: { type: 'number' },
  open: { type: 'boolean' },
  start: { type: 'string', format: 'date-time' },
  tags: { type: 'array', items: { type: 'string' } },
  place: { type: 'object' },
  topic: { type: 'string' },
});

const parse = (query: string) => parseQueryFilter(new URLSearchParams(query), types);
const noon = Date.parse('2026-03-01T12:00:00Z');

test.each<readonly [string, Condition]>([
  ['', ALWAYS],
  ['status=nieuw', compare('eq', 'status', 'nieuw')],
  ['status=', compare('eq', 'status', '')],
  ['status[ne]=nieuw', compare('ne', 'status', 'nieuw')],
  ['status[!=]=nieuw', compare('ne', 'status', 'nieuw')],
  ['status[===]=nieuw', compare('eq', 'status', 'nieuw')],
  ['prioriteit=3', compare('eq', 'prioriteit', 3)],
  ['prioriteit[gte]=3', compare('gte', 'prioriteit', 3)],
  ['prioriteit[>=]=3&prioriteit[<]=5', and(compare('gte', 'prioriteit', 3), compare('lt', 'prioriteit', 5))],
  ['prioriteit[gt]=-1', compare('gt', 'prioriteit', -1)],
  ['score[<=]=1.5e1', compare('lte', 'score', 15)],
  ['open=true', compare('eq', 'open', true)],
  ['start[>]=2026-03-01T12:00:00Z', compare('gt', 'start', noon, 'instant')],
  ['start[>]=2026-03-01T13:00:00+01:00', compare('gt', 'start', noon, 'instant')],
  ['prioriteit%5B%3E%3D%5D=3', compare('gte', 'prioriteit', 3)],
  ['filter[prioriteit][<=]=3', compare('lte', 'prioriteit', 3)],
  ['status[===]=a]=b', compare('eq', 'status', 'a]=b')],
  ['status[in]=a,b', oneOf('in', 'status', ['a', 'b'])],
  ['prioriteit[in]=1,2', oneOf('in', 'prioriteit', [1, 2])],
  ['status[nin]=a,b', oneOf('nin', 'status', ['a', 'b'])],
  ['status[in][]=a,x&status[in][]=b', oneOf('in', 'status', ['a,x', 'b'])],
  ['status=a&status=b', oneOf('in', 'status', ['a', 'b'])],
  ['status[]=a&status[]=b', oneOf('in', 'status', ['a', 'b'])],
  ['status=a,b', compare('eq', 'status', 'a,b')],
  ['title[~]=ab', matchText('contains', 'title', 'ab')],
  ['title[like]=ab', matchText('contains', 'title', 'ab')],
  ['title[like]=%25ab%25', matchText('contains', 'title', 'ab')],
  ['title[like]=ab%25', matchText('startsWith', 'title', 'ab')],
  ['title[like]=%25ab', matchText('endsWith', 'title', 'ab')],
  ['title[^]=ab', matchText('startsWith', 'title', 'ab')],
  ['title[$]=ab', matchText('endsWith', 'title', 'ab')],
  ['title[exists]=true', exists('title', true)],
  ['title[exists]=false', exists('title', false)],
  ['title[null]=true', exists('title', false)],
  ['title[null]=false', exists('title', true)],
  ['title[empty]=true', empty('title', true)],
  ['tags=a', matchText('contains', 'tags', 'a')],
  ['place[exists]=true', exists('place', true)],
  ['filter[status]=a', compare('eq', 'status', 'a')],
  ['filter[prioriteit][gte]=3', compare('gte', 'prioriteit', 3)],
  ['filter[topic]=x', compare('eq', 'topic', 'x')],
  ['filter[_updated][gte]=2026-03-01T12:00:00Z', compare('gte', '_updated', noon, 'instant')],
  ['@self[updated][gte]=2026-03-01T12:00:00Z', compare('gte', '_updated', noon, 'instant')],
  ['filter[_owner]=alice', compare('eq', '_owner', 'alice')],
  ['id=5b0d', compare('eq', '_uuid', '5b0d')],
  ['_limit=5&topic=register/a&topic[]=b&token=t&lastEventId=1&events=x', ALWAYS],
])('reads %j', (query, condition) => {
  expect(parse(query)).toEqual({ ok: true, condition });
});

test.each<readonly [string, string, RegExp]>([
  ['prioriteit=hoog', 'prioriteit', /whole number/],
  ['prioriteit=3.5', 'prioriteit', /whole number/],
  ['prioriteit=9007199254740993', 'prioriteit', /whole number/],
  ['prioriteit=', 'prioriteit', /whole number/],
  ['score=0x10', 'score', /number/],
  ['score=1e400', 'score', /number/],
  ['open=1', 'open', /true or false/],
  ['open[gt]=true', 'open', /no order/],
  ['start[>]=yesterday', 'start', /date and time/],
  ['status[around]=x', 'status', /Unknown operator 'around'; known are eq/],
  ['status[__proto__]=x', 'status', /Unknown operator/],
  ['prioriteit[~]=3', 'prioriteit', /text field/],
  ['title[like]=a%25b', 'title', /ends of the text/],
  ['title[exists]=maybe', 'title', /true or false/],
  ['title[gt]=a&title[gt]=b', 'title', /One value/],
  ['tags[gt]=a', 'tags', /is a list/],
  ['place=x', 'place', /is an object/],
  ['status=a%00b', 'status', /not valid text/],
  ['status[eq][x]=1', 'status', /Cannot read/],
])('refuses %j at %j', (query, field, message) => {
  expect(parse(query)).toEqual({ ok: false, problems: [{ field, message: expect.stringMatching(message) }] });
});

test('absent and unreadable fields are refused in the same words', () => {
  const readable = fieldTypesOf({ secret: { type: 'string' } }, () => false);
  const asked = (field: string) => parseQueryFilter([[field, 'x']], readable);
  expect(asked('secret')).toEqual({
    ok: false,
    problems: [{ field: 'secret', message: "Unknown field 'secret'", unknownField: true }],
  });
  expect(asked('constructor')).toMatchObject({ ok: false, problems: [{ unknownField: true }] });
});

test('names every problem at once', () => {
  expect(parse('prioriteit=x&nope=1&open=perhaps')).toMatchObject({
    ok: false,
    problems: [{ field: 'prioriteit' }, { field: 'nope' }, { field: 'open' }],
  });
});

test('refuses more conditions, values and bytes than a filter may have', () => {
  const values = Array.from({ length: FILTER_LIMITS.values + 1 }, (_, index) => index).join();
  expect(parse(`prioriteit[in]=${values}`)).toMatchObject({ ok: false });
  expect(parse(`status=${'é'.repeat(FILTER_LIMITS.bytes / 2)}`)).toMatchObject({ ok: false });
  const many = fieldTypesOf(
    Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`f${i}`, { type: 'string' }])),
  );
  const query = (count: number) => Array.from({ length: count }, (_, i) => [`f${i}`, 'x'] as const);
  expect(parseQueryFilter(query(20), many).ok).toBe(true);
  expect(parseQueryFilter(query(21), many).ok).toBe(false);
});
