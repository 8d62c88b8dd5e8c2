import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { MESSAGES } from './message-catalogue.ts';
import type { MessageName } from './message-catalogue.ts';

const examplesFolder = join(import.meta.dirname, '..', 'examples');
const names = Object.keys(MESSAGES).sort() as MessageName[];

function readExample(name: string): unknown {
  return JSON.parse(readFileSync(join(examplesFolder, `${name}.json`), 'utf8'));
}

test('every message has an example and every example is a message', () => {
  const files = readdirSync(examplesFolder).map((file) => file.replace(/\.json$/, ''));
  expect(files.sort()).toEqual(names);
});

test.each(names)('the example of %s is exactly what its schema describes', (name) => {
  const example = readExample(name);
  expect(MESSAGES[name].schema.parse(example)).toEqual(example);
});

test.each(names)('%s refuses an example without any one of its required members', (name) => {
  const example = readExample(name) as Record<string, unknown>;
  const optional = new Set([
    'record',
    'oldRecord',
    'actor',
    'object',
    'changed',
    'correlationid',
    'errors',
    'scope',
  ]);
  for (const member of Object.keys(example)) {
    if (
      optional.has(member) ||
      (MESSAGES[name].schema as z.ZodObject).shape?.[member]?.safeParse(undefined).success
    )
      continue;
    const { [member]: _omitted, ...rest } = example;
    const result = MESSAGES[name].schema.safeParse(rest);
    // Properties of an object are its schema's business; everything else is the contract's.
    if (!['titel', 'status'].includes(member))
      expect(result.success, `${name} without ${member}`).toBe(false);
  }
});

function withoutDescriptions(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutDescriptions);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== 'description')
      .map(([key, value]) => [key, withoutDescriptions(value)]),
  );
}

test('the wire has not changed by accident', () => {
  const shapes = names.map((name) => [
    name,
    withoutDescriptions(z.toJSONSchema(MESSAGES[name].schema, { io: 'input', unrepresentable: 'any' })),
  ]);
  const hash = createHash('sha256').update(JSON.stringify(shapes)).digest('hex').slice(0, 16);
  expect(
    hash,
    'A message changed its shape. If that is intended: is it additive? Then write the new hash here, describe the ' +
      'change in CHANGELOG.md and PROTOCOL.md, and commit with the type "protocol:". If it is not additive, ' +
      'PROTOCOL_VERSION changes too.',
  ).toBe('10a798a40f053b65');
});
