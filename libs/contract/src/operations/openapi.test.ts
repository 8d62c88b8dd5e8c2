import { expect, test } from 'vitest';
import { MESSAGES } from '../message-catalogue.ts';
import type { MessageName } from '../message-catalogue.ts';
import { createMessageSchema } from './json-schema.ts';
import { createOpenApi } from './openapi.ts';
import { OPERATIONS } from './operation-table.ts';

const document = createOpenApi();

/** Every schema-like object below a node, with where it stands. References to names are not looked into. */
function* objectsIn(node: unknown, path = ''): Generator<readonly [path: string, node: object]> {
  if (node === null || typeof node !== 'object') return;
  yield [path, node];
  for (const [key, value] of Object.entries(node)) {
    // Examples are values, not schemas.
    if (key !== 'example' && key !== 'examples') yield* objectsIn(value, `${path}/${key}`);
  }
}

test('every operation is in the document', () => {
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => String(operation['operationId'])),
  );
  expect(ids.toSorted()).toEqual(OPERATIONS.map(({ id }) => id).toSorted());
});

test('what is described twice has a name', () => {
  const places = new Map<string, string[]>();
  for (const [path, node] of objectsIn(document)) {
    const isSchema =
      'type' in node && typeof node.type === 'string' && !('in' in node) && !('scheme' in node);
    // Small things read better where they stand.
    const text = JSON.stringify(node);
    if (isSchema && text.length > 120) places.set(text, [...(places.get(text) ?? []), path]);
  }
  const repeated = [...places.values()].filter((paths) => paths.length > 1);
  expect(repeated).toEqual([]);
});

test('every reference leads somewhere, and nothing named is left over', () => {
  const references = new Set(
    [...objectsIn(document)].flatMap(([, node]) => ('$ref' in node ? [String(node.$ref)] : [])),
  );
  const { securitySchemes: _schemes, ...components } = document.components;
  const named = Object.entries(components).flatMap(([kind, entries]) =>
    Object.keys(entries).map((name) => `#/components/${kind}/${name}`),
  );
  expect([...references].toSorted()).toEqual(named.toSorted());
});

test('the same table gives the same text', () => {
  expect(JSON.stringify(createOpenApi())).toBe(JSON.stringify(document));
});

test.each(Object.keys(MESSAGES) as MessageName[])('the schema of %s is complete in itself', (name) => {
  const schema = createMessageSchema(name);
  expect(schema['$id']).toBe(`urn:tidewire:message:${name}`);
  const definitions = Object.keys(schema['$defs'] ?? {});
  for (const [path, node] of objectsIn(schema)) {
    if (!('$ref' in node)) continue;
    const target = /^#\/\$defs\/(\w+)$/.exec(String(node.$ref))?.[1];
    expect(definitions, path).toContain(target);
  }
});
