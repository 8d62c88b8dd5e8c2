import { expect, test } from 'vitest';
import { parsePlace } from './location.tsx';

test.each([
  ['/console', [], ''],
  ['/console/', [], ''],
  ['/console/policies/schema/a%2Fb?at=%2Froles', ['policies', 'schema', 'a/b'], 'at=%2Froles'],
  ['/console/explain?event=a&principal=b', ['explain'], 'event=a&principal=b'],
  ['/console/%zz', ['%zz'], ''],
])('%s is a place', (address, segments, query) => {
  const place = parsePlace(address);
  expect([place.segments, place.query.toString()]).toEqual([segments, query]);
});
