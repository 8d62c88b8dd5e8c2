import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ERROR_CODES,
  GRAPHQL_ERROR_CODES,
  GRAPHQL_EVENTS,
  GRAPHQL_LIMITS,
  GRAPHQL_PATHS,
} from '@tidewire/contract';
import type { Property } from '@tidewire/contract';
import { OPERATOR_NAMES } from '@tidewire/condition';
import { expect, test } from 'vitest';
import { objectType, register } from '../test/example-catalogue.ts';
import { parseDocument } from './document.ts';
import { documentErrors } from './rules.ts';
import { GraphqlCatalogue } from './schema.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const guide = readFileSync(join(root, 'docs', 'concepts', 'graphql.md'), 'utf8');
const [protocol = ''] =
  /^## 6\. GraphQL$.*?(?=^## 7\.)/ms.exec(readFileSync(join(root, 'PROTOCOL.md'), 'utf8')) ?? [];
const pages = [['docs/concepts/graphql.md', guide] as const, ['PROTOCOL.md', protocol] as const];

/** What is written in backticks. */
function codesIn(page: string): readonly string[] {
  return [...page.matchAll(/`([A-Z]+_[A-Z_]+|[A-Z]{6,})`/g)].map(([, code = '']) => code);
}

test.each(pages)('%s names the codes of GraphQL, and none that does not exist', (_, page) => {
  const known = new Set<string>([
    ...Object.keys(ERROR_CODES),
    ...GRAPHQL_ERROR_CODES,
    ...Object.values(GRAPHQL_EVENTS),
  ]);
  const named = codesIn(page).filter((code) => !code.startsWith('TIDEWIRE_'));
  expect(named.filter((code) => !known.has(code))).toEqual([]);
  expect(
    [...GRAPHQL_ERROR_CODES, ...Object.values(GRAPHQL_EVENTS)].filter((code) => !named.includes(code)),
  ).toEqual([]);
});

test.each(pages)('%s has the limits that are', (_, page) => {
  const { maxDocumentBytes, maxVariablesBytes, maxTokens, maxDepth, maxFields } = GRAPHQL_LIMITS;
  for (const limit of [maxDocumentBytes, maxVariablesBytes, maxTokens, maxDepth, maxFields]) {
    expect(page).toMatch(new RegExp(String.raw`\b${limit.toLocaleString('en')}\b`));
  }
});

test('the guide names every operator of a condition, and the protocol every path', () => {
  expect(OPERATOR_NAMES.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  const { operations, subscriptions, stream } = GRAPHQL_PATHS;
  for (const path of [operations, subscriptions, stream]) expect(protocol).toContain(path);
});

test('every document of the guide is right', () => {
  const texts = ['titel', 'status', 'melderEmail'].map((name) => [name, { type: 'string' }] as const);
  const properties: Record<string, Property> = {
    ...Object.fromEntries(texts),
    prioriteit: { type: 'integer', minimum: 1, maximum: 5 },
  };
  const catalogue = new GraphqlCatalogue({
    registers: [register('meldingen-register')],
    schemas: [objectType('meldingen', 1, { properties })],
  });
  const schema = catalogue.schemaFor(catalogue.schemaIds);
  const documents = [...guide.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, text = '']) => text);
  expect(documents.length).toBeGreaterThan(2);
  for (const text of documents) expect(documentErrors(schema, parseDocument(text))).toEqual([]);
});
