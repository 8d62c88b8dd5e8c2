import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePages } from './page-file.ts';

const ORDERS = `
pages:
  - name: orders
    path: /orders
    title: Orders
    presence: true
    components:
      - type: dataTable
        columns:
          - field: customer
            label: Customer
        dataSource:
          table: orders
          filter:
            - { field: status, operator: in, value: [new, processing] }
          sort:
            - { field: total, direction: desc }
          pagination: { pageSize: 25 }
          refreshMode: poll
          pollIntervalMs: 5000
        search: true
        edit: true
`;

/** The file with one line replaced. */
function changed(line: string, by: string): string {
  expect(ORDERS).toContain(line);
  return ORDERS.replace(line, by);
}

function faultsOf(text: string): readonly string[] {
  return parsePages(text, 'pages.yaml').faults;
}

test('a file is read as it is written, and nothing is added', () => {
  const { pages, faults } = parsePages(ORDERS, 'pages.yaml');
  expect(faults).toEqual([]);
  expect(pages).toMatchObject([
    { name: 'orders', path: '/orders', components: [{ dataSource: { table: 'orders' }, edit: true }] },
  ]);
});

test('the file that comes along has no faults', () => {
  const file = join(import.meta.dirname, '../../../../deploy/local/pages.yaml');
  expect(faultsOf(readFileSync(file, 'utf8'))).toEqual([]);
});

test.for([
  // what is written in place of a line; line and column of the fault; what is said
  ['refreshMode: poll', 'refreshmode: poll', '19:11', 'did you mean refreshMode?'],
  ['refreshMode: poll', 'refreshMode: sometimes', '19:24', '"realtime"'],
  ['pollIntervalMs: 5000', 'pollIntervalMs: 999', '20:27', '>=1000'],
  ['pollIntervalMs: 5000', 'pollIntervalMs: 300001', '20:27', '<=300000'],
  ['refreshMode: poll', 'refreshMode: realtime', '20:27', 'means something only with refreshMode: poll'],
  ['operator: in', 'operator: startsWith', '15:42', '"contains"'],
  ['value: [new, processing]', 'value: new', '15:53', 'must be a list'],
  ['operator: in', 'operator: eq', '15:53', 'must be one value'],
  ['value: [new, processing]', "value: ['$currentUser']", '15:53', 'not supported yet'],
  ['table: orders', 'tables: orders', '13:11', 'did you mean table?'],
  ['path: /orders', 'path: orders', '4:11', 'must begin with a slash'],
  ['path: /orders', 'path: /orders/', '4:11', 'without one at its end'],
  ['presence: true', 'presence: yes', '6:15', 'must be boolean, not string'],
  ['presence: true', 'access: [staff]', '6:5', 'access is not supported yet'],
  ['type: dataTable', 'type: kanban', '8:15', '"dataTable"'],
  ['pageSize: 25', 'pageSize: 0', '18:35', '>=1'],
  ['path: /orders', 'path: /orders\n    path: /again', '5:5', 'unique'],
  ['title: Orders', 'title: [Orders', '6:5', 'Flow sequence'],
  ['title: Orders', 'title: !!js/function x', '5:12', 'tag'],
  ['title: Orders', '__proto__: { a: 1 }', '5:5', 'is not known here'],
] as const)('%s -> %s is a fault at %s: %s', ([line, by, place, words]) => {
  const faults = faultsOf(changed(line, by));
  expect(faults.join('\n')).toContain(`pages.yaml:${place}: `);
  expect(faults.join('\n')).toContain(words);
});

test('what is missing is a fault where it is missing in', () => {
  expect(faultsOf(changed('          table: orders\n', ''))).toEqual([
    expect.stringContaining('pages.yaml:13:11: table is missing: expected string'),
  ]);
});

test('all faults are told at once, in the order of the file', () => {
  const text = changed('title: Orders', 'titles: Orders').replace('pageSize: 25', 'pageSize: many');
  expect(faultsOf(text)).toEqual([
    'pages.yaml:5:5: "titles" is not known here; did you mean title?',
    'pages.yaml:18:35: pageSize must be number, not string',
  ]);
});

test('a path or a name that is there twice is a fault of the second', () => {
  const twice = `${ORDERS}${ORDERS.replace('\npages:\n', '').replace('name: orders', 'name: others')}`;
  expect(faultsOf(twice)).toEqual(['pages.yaml:24:11: path /orders is the path of another page']);
});

test('a column whose field is not fetched is a fault', () => {
  expect(faultsOf(changed('table: orders', 'table: orders\n          fields: [total]'))).toEqual([
    expect.stringContaining('pages.yaml:10:20: field is not among the fields of the data source'),
  ]);
});

test.for(['', 'pages', '[]', '42', '{}', 'pages: 1', '\0', '%'])(
  '%j is refused and not thrown at',
  (text) => {
    expect(faultsOf(text).length).toBeGreaterThan(0);
  },
);

test('aliases are read, but not without end', () => {
  const anchored = ORDERS.replace('dataSource:', 'dataSource: &source').replace(
    'edit: true',
    'edit: true\n      - type: dataTable\n        dataSource: *source',
  );
  expect(parsePages(anchored, 'pages.yaml').pages?.[0]?.components).toHaveLength(2);
  const nested = Array.from({ length: 12 }, (_, level) => {
    const before = level === 0 ? '1' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: 10 }, () => before).join(', ')}]`;
  });
  expect(faultsOf(nested.join('\n'))).toEqual([expect.stringContaining('alias')]);
});

test('a file that is too large is not read', () => {
  expect(faultsOf(`${ORDERS}#${'x'.repeat(256 * 1024)}`)).toEqual([
    'pages.yaml:1:1: the file must have at most 256 KiB',
  ]);
});

test('a file full of faults is answered with some of them', () => {
  const keys = Array.from({ length: 500 }, (_, index) => `key${index}: 1`).join('\n');
  expect(faultsOf(keys)).toHaveLength(20);
});
