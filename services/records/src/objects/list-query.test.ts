import { fieldTypesOf } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { parseListQuery } from './list-query.ts';
import type { ListRequest } from './list-terms.ts';

const types = fieldTypesOf({
  titel: { type: 'string' },
  aantal: { type: 'integer' },
  tags: { type: 'array', items: { type: 'string' } },
  topic: { type: 'string' },
  constructor: { type: 'string' },
});

function parse(query: string): ListRequest {
  return parseListQuery([...new URLSearchParams(query)], types);
}

function refusal(query: string): string {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof TidewireError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

test('without parameters it is the first page in the order of creation', () => {
  expect(parse('')).toEqual({
    filter: { op: 'true' },
    search: undefined,
    order: [{ field: '_created', type: 'instant', descending: false }],
    fields: undefined,
    limit: 20,
    offset: 0,
    page: 1,
  });
});

test('an offset wins over a page, and both say which page it is', () => {
  expect(parse('_page=3&_limit=10')).toMatchObject({ offset: 20, page: 3 });
  expect(parse('_page=3&_limit=10&_offset=5')).toMatchObject({ offset: 5, page: 1 });
});

test('a property of a reserved name is filtered by filter[name], and without it the name is nobody’s', () => {
  expect(parse('topic=x').filter).toEqual({ op: 'true' });
  expect(parse('filter[topic]=x').filter).toMatchObject({ op: 'eq', field: 'topic', value: 'x' });
  expect(parse('constructor=x').filter).toMatchObject({ op: 'eq', field: 'constructor' });
  expect(refusal('toString=x')).toBe("UNKNOWN_FIELD Unknown field 'toString'");
});

test('several orders count in the order in which they are given', () => {
  expect(parse('_order[aantal]=DESC&_order[id]=asc').order).toEqual([
    { field: 'aantal', type: 'integer', descending: true },
    { field: '_uuid', type: 'string', descending: false },
  ]);
});

test('fields are given as a list, repeated, or both', () => {
  expect(parse('_fields=titel,aantal&_fields[]=tags').fields).toEqual(new Set(['titel', 'aantal', 'tags']));
  expect(parse('_fields= titel ,').fields).toEqual(new Set(['titel']));
  expect(parse('').fields).toBeUndefined();
});

test('an unknown field is refused in the same words wherever it stands', () => {
  for (const query of ['nee=1', '_order[nee]=asc', '_fields=titel,nee', 'filter[nee][gt]=1']) {
    expect(refusal(query)).toBe("UNKNOWN_FIELD Unknown field 'nee'");
  }
});

test('everything is bounded', () => {
  expect(refusal('_limit=1001')).toContain('BAD_REQUEST');
  expect(refusal('_limit=1e3')).toContain('BAD_REQUEST');
  expect(refusal('_offset=100001')).toContain('100000 rows deep');
  expect(refusal('_page=99999999999999')).toContain('100000 rows deep');
  expect(refusal(`_search=${'x'.repeat(201)}`)).toContain('200 characters');
  expect(refusal('_order[titel]=asc&'.repeat(6))).toContain('at most 5');
  const many = Array.from({ length: 300 }, (_, index) => `naam${index}`).join(',');
  expect(refusal(`_fields=${many}`)).toContain('1 to 256 names');
  expect(refusal('_fields=')).toContain('1 to 256 names');
  expect(refusal(`titel=${'x'.repeat(5000)}`)).toContain('MALFORMED_FILTER');
});

test('a poll begins after a time or at a cursor, in an order of its own', () => {
  expect(parse('titel=a').poll).toBeUndefined();
  expect(parse('_includeDeleted=false').poll).toBeUndefined();
  expect(parse('_updatedSince=2026-01-01T01:00:00%2B01:00&_limit=5&titel=a').poll).toEqual({
    since: { kind: 'time', ms: Date.parse('2026-01-01T00:00:00Z') },
    includeDeleted: false,
  });
  expect(
    parse('_updatedSince=poll.mwrd70tk.aaaaaaaaaaaa.bbbbbbbbbbbb.s-2s-2r&_includeDeleted=true').poll,
  ).toMatchObject({ since: { kind: 'cursor' }, includeDeleted: true });
  for (const query of [
    '_updatedSince=gisteren',
    '_updatedSince=',
    '_updatedSince=2026-01-01T00:00:00Z&_updatedSince=2026-01-01T00:00:00Z',
    '_updatedSince=2026-01-01T00:00:00Z&_includeDeleted=1',
    '_updatedSince=2026-01-01T00:00:00Z&_order[titel]=asc',
    '_updatedSince=2026-01-01T00:00:00Z&_offset=0',
    '_updatedSince=2026-01-01T00:00:00Z&_page=1',
    '_includeDeleted=true',
  ]) {
    expect(refusal(query), query).toContain('BAD_REQUEST');
  }
});
