import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { catalogues, distinctSlug } from '../test/example-catalogue.ts';
import { GraphqlCatalogue } from './schema.ts';
import { readSubscription } from './subscription.ts';
import { everything, refusals, subscription, zaken } from '../test/example-subscription.ts';

test('what is not visible is refused like what is not there', () => {
  const absent = refusals({ query: 'subscription { nietsEvents { naam } }' });
  const hidden = refusals({ query: 'subscription { zakenEvents { naam } }' }, (id) => id !== zaken);
  expect(hidden).toEqual(absent.map((message) => message.replaceAll('nietsEvents', 'zakenEvents')));
});

test('a document that was right for one reader is looked at again for another', () => {
  const query = 'subscription { zakenEvents { naam } }';
  expect(subscription(query).schemaId).toBe(zaken);
  expect(refusals({ query }, (id) => id !== zaken)).toHaveLength(1);
  expect(subscription(query).schemaId).toBe(zaken);
});

test('says the same, byte by byte, about schemas that are not visible and schemas that do not exist', () => {
  fc.assert(
    fc.property(
      catalogues(distinctSlug),
      fc.func(fc.boolean()),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 10 }),
      ({ registers, schemas }, isVisible, picks) => {
        const whole = new GraphqlCatalogue({ registers, schemas });
        const part = new GraphqlCatalogue({ registers, schemas: schemas.filter(({ id }) => isVisible(id)) });
        fc.pre([...part.schemaIds].every((id) => part.namesOf(id)?.type === whole.namesOf(id)?.type));
        for (const [first, second] of picks) {
          for (const query of documentsAbout(whole, schemas, first, second)) {
            const operationName = query.includes(' S ') ? 'S' : undefined;
            const request = { query, operationName, variables: { v: { titel: 'x' } } };
            const hidden = readSubscription(whole, (id) => isVisible(id), request);
            const absent = readSubscription(part, everything, request);
            expect(JSON.stringify(hidden)).toBe(JSON.stringify(absent));
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

/** Documents that name two schemas wherever a document can name one, the second of them not quite right. */
function documentsAbout(
  whole: GraphqlCatalogue,
  schemas: readonly { readonly id: string }[],
  first: number,
  second: number,
): readonly string[] {
  const [one, two] = [first, second].map((pick) => whole.namesOf(schemas[pick % schemas.length]?.id ?? ''));
  if (one === undefined || two === undefined) return [];
  return [
    `subscription { ${one.events} { _uuid } }`,
    `subscription { ${one.events.slice(0, -1)} { _uuid } }`,
    `subscription { ${one.events} { _uuid ... on ${two.event} { _uuid } } }`,
    `subscription { ${one.events} { ...F } } fragment F on ${two.type} { _uuid }`,
    `subscription ($v: ${two.filter}) { ${one.events}(filter: $v) { _uuid } }`,
    `subscription { ${one.events}(filter: {${two.list}: 1}) { _uuid ${two.type} } }`,
    `subscription { ${one.events} { _uuid } ${two.events} { _uuid } }`,
    `query Q { ${two.list} { nodes { _uuid } } } subscription S { ${one.events} { _uuid } }`,
    `query Q { ${two.single.slice(1)} { _uuid } ${two.list.slice(0, -1)} { nodes { x } } } subscription S { ${one.events} { _uuid } }`,
    `mutation M { ${two.create}(input: {}) { _uuid } } subscription S { ${one.events} { _uuid } }`,
  ];
}
