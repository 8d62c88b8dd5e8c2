import { expect, test } from 'vitest';
import { and, compare, matchText } from './condition.ts';
import { compileSql, objectFields, quoteLiteral } from './sql.ts';

test('values leave as parameters only, after those that are already there', () => {
  const parameters: unknown[] = ['first'];
  const hostile = "'; DROP TABLE x; --";
  const condition = and(compare('ne', 'a', hostile), matchText('contains', 'b', hostile));
  const sql = compileSql(condition, { field: objectFields('o.properties', new Map()), parameters });
  expect(sql).not.toContain('DROP');
  expect(sql).toContain('$2');
  expect(sql).not.toContain('$1');
  expect(parameters.slice(1)).toContain(hostile);
});

test('names are quoted whatever they hold', () => {
  expect(quoteLiteral("a'b")).toBe("'a''b'");
  expect(quoteLiteral("\\'; --")).toBe("E'\\\\''; --'");
  expect(() => quoteLiteral('a\u0000')).toThrow(TypeError);
});
