import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { GLOBAL_NAMES, nameInterfaces } from './interface-names.ts';

const namesOf = (...tables: string[]): Record<string, string> => Object.fromEntries(nameInterfaces(tables));

test('an interface is called as its table is, in PascalCase', () => {
  expect(namesOf('orders', 'sales-invoices', 'order_lines', 'a-1', '2024-orders', 'x-')).toEqual({
    'orders': 'Orders',
    'sales-invoices': 'SalesInvoices',
    'order_lines': 'OrderLines',
    'a-1': 'A1',
    '2024-orders': '_2024Orders',
    'x-': 'X',
  });
});

test('tables that would have one name have numbers, in whatever order they are told', () => {
  const names = { 'a-b': 'AB', 'a_b': 'AB2', 'a_b-': 'AB3', 'a-b2': 'AB22' };
  expect(namesOf('a-b', 'a-b2', 'a_b', 'a_b-')).toEqual(namesOf('a_b-', 'a_b', 'a-b2', 'a-b'));
  expect(new Set(Object.values(namesOf(...Object.keys(names)))).size).toBe(4);
  expect(namesOf('a-b', 'a_b')).toEqual({ 'a-b': 'AB', 'a_b': 'AB2' });
});

test('what the module declares itself, and global types, have Record behind them', () => {
  expect(namesOf('tables', 'registers', 'record', 'object', 'map', 'document', 'document-record')).toEqual({
    'tables': 'TablesRecord',
    'registers': 'RegistersRecord',
    'record': 'RecordRecord',
    'object': 'ObjectRecord',
    'map': 'MapRecord',
    'document': 'DocumentRecord',
    'document-record': 'DocumentRecord2',
  });
});

test('the global types are those that TypeScript declares for the language and for browsers, as far as they are one word', () => {
  const require = createRequire(createRequire(import.meta.url).resolve('typescript/package.json'));
  const platform = `@typescript/typescript-${process.platform}-${process.arch}`;
  const folder = join(dirname(require.resolve(`${platform}/package.json`)), 'lib');
  const declared = readdirSync(folder)
    .filter((file) => /^lib\.(?:dom|es)\w*\..*ts$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(
        /^(?:declare )?(?:interface|type|class|namespace) ([A-Z][a-z0-9]+)\b/gm,
      ),
    ])
    .map(([, name]) => name);
  expect(new Set(declared)).toEqual(GLOBAL_NAMES);
});
