import { GRAPHQL_EVENTS, TRANSITIONS, graphqlResultSchema } from '@tidewire/contract';
import type { ObjectMessage, Transition } from '@tidewire/contract';
import type { EventSelection, Leaf, SelectedField } from '@tidewire/graphql';
import { GraphQLString } from 'graphql';
import { expect, test } from 'vitest';
import { formatGraphqlResult } from './graphql-result.ts';
import type { SelectedChange, SelectedValue } from './graphql-result.ts';

const UUID = 'dddddddd-0000-4000-8000-000000000001';

const message: ObjectMessage = {
  kind: 'object',
  action: 'updated',
  uuid: UUID,
  register: { id: 'aaaaaaaa-0000-4000-8000-000000000001', slug: 'zaken' },
  schema: { id: 'bbbbbbbb-0000-4000-8000-000000000001', slug: 'meldingen' },
  organisation: null,
  version: 7,
  time: '2026-03-21T12:00:00.000Z',
  actor: { id: 'alice', name: 'Alice', organisation: null },
  correlationId: 'request-1',
  traceparent: '00-secret-trace',
  before: null,
  after: null,
};

const leaf: Leaf = { scalar: GraphQLString, list: false };
const property = (key: string, name = key): SelectedField => ({
  key,
  means: { kind: 'property', name, leaf },
});

const fields: readonly SelectedField[] = [
  { key: '__typename', means: { kind: 'typename', text: 'MeldingenEvent' } },
  { key: 'what', means: { kind: 'transition' } },
  { key: '_eventId', means: { kind: 'event-id' } },
  { key: '_changed', means: { kind: 'changed', names: new Map([['e-mail', 'e_mail']]) } },
  { key: '_uuid', means: { kind: 'system', name: '_uuid', leaf } },
  { key: '_version', means: { kind: 'system', name: '_version', leaf } },
  property('shown'),
  property('hidden"', 'hidden'),
  property('unfit'),
];

const VALUES: Readonly<Record<string, SelectedValue>> = {
  shown: { kind: 'text', text: '"a\\nb"' },
  hidden: { kind: 'forbidden' },
  unfit: { kind: 'unfit' },
};

function result(transition: Transition, selection: Partial<EventSelection> = {}): unknown {
  const shows = transition !== 'left' && transition !== 'deleted';
  const change: SelectedChange = {
    position: { epoch: '0abcdefg', sequence: 42 },
    message,
    transition,
    selection: { key: '', response: 'ro"ws', fields, ...selection },
    image: shows
      ? { system: () => '7', property: ({ name }) => VALUES[name] ?? { kind: 'text', text: 'null' } }
      : undefined,
    changed: ['e-mail', 'shown'],
  };
  const text = formatGraphqlResult(change);
  expect(text).not.toMatch(/\n|secret-trace|Alice/);
  const parsed: unknown = JSON.parse(text);
  expect(graphqlResultSchema.parse(parsed)).toEqual(parsed);
  return parsed;
}

const base = { __typename: 'MeldingenEvent', _eventId: 'evt-0abcdefg-000000000042', _uuid: UUID };
const errors = [
  {
    message: `You may not read 'hidden"'`,
    path: ['ro"ws', 'hidden"'],
    extensions: { code: 'FIELD_FORBIDDEN' },
  },
  {
    message: "What is stored as 'unfit' is not of its type",
    path: ['ro"ws', 'unfit'],
    extensions: { code: 'INTERNAL_ERROR' },
  },
];

test.each(TRANSITIONS)('%s says what was selected, in the order in which it was', (transition) => {
  const shows = transition !== 'left' && transition !== 'deleted';
  const told = {
    ...base,
    'what': GRAPHQL_EVENTS[transition],
    '_changed': transition === 'updated' ? ['e_mail', 'shown'] : null,
    '_version': shows ? 7 : null,
    'shown': shows ? 'a\nb' : null,
    'hidden"': null,
    'unfit': null,
  };
  const parsed = result(transition);
  expect(parsed).toEqual({ data: { 'ro"ws': told }, ...(shows && { errors }) });
  const [row] = Object.values((parsed as { data: Record<string, object> }).data);
  expect(Object.keys(row ?? {})).toEqual(fields.map(({ key }) => key));
});

test('who selects the kind of event alone is told nothing else', () => {
  const selection = { response: 'x', fields: [{ key: 'e', means: { kind: 'transition' } }] as const };
  expect(result('updated', selection)).toEqual({ data: { x: { e: 'UPDATED' } } });
});
