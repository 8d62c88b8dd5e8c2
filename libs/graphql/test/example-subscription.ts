import type { Property } from '@tidewire/contract';
import type { GraphqlRequest } from '../src/document.ts';
import { GraphqlCatalogue } from '../src/schema.ts';
import type { EventSubscription } from '../src/selection.ts';
import { readSubscription } from '../src/subscription.ts';
import { objectType, register, uuid } from './example-catalogue.ts';

const properties: readonly (readonly [string, Property])[] = [
  ['titel', { type: 'string' }],
  ['status', { type: 'string' }],
  ['prioriteit', { type: 'integer', minimum: 1, maximum: 5 }],
  ['labels', { type: 'array', items: { type: 'string' } }],
  ['zaak', { type: 'string', format: 'uuid', relation: 'zaken' }],
  ['a b', { type: 'number' }],
  ['constructor', { type: 'string' }],
  ['toString', { type: 'string' }],
];
export const [meldingen, zaken] = [uuid('schema', 1), uuid('schema', 2)];
const catalogue = new GraphqlCatalogue({
  registers: [register('meldingen-register')],
  schemas: [
    objectType('meldingen', 1, { properties: Object.fromEntries(properties) }),
    objectType('zaken', 2, { properties: { naam: { type: 'string' } } }),
  ],
});

export const everything = (): boolean => true;

/** The subscription that is read; an error names what was refused. */
export function subscription(query: string, more: Partial<GraphqlRequest> = {}): EventSubscription {
  const read = readSubscription(catalogue, everything, { query, ...more });
  if (!read.ok) throw new Error(read.errors.map(({ message }) => message).join('\n'));
  return read.subscription;
}

/** Filters have no prototypes, which `toEqual` does not look at. */
export function filterOf(query: string, variables?: Record<string, unknown>): unknown {
  const { filter } = subscription(query, { variables });
  return filter === undefined ? undefined : JSON.parse(JSON.stringify(filter));
}

export function keysOf(query: string, variables?: Record<string, unknown>): readonly string[] {
  return subscription(query, { variables }).selection.fields.map(({ key }) => key);
}

/** What is said against a request, each with its code. */
export function refusals(
  request: GraphqlRequest,
  isVisible: (id: string) => boolean = everything,
): readonly string[] {
  const read = readSubscription(catalogue, isVisible, request);
  if (read.ok) throw new Error('it was accepted');
  return read.errors.map(({ message, extensions }) => `${String(extensions['code'])}: ${message}`);
}

export const events = (selection: string, filter?: string): string =>
  `subscription { meldingenEvents${filter === undefined ? '' : `(filter: ${filter})`} ${selection} }`;
