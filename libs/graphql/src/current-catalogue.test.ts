import { expect, test } from 'vitest';
import { CurrentCatalogue } from './current-catalogue.ts';

test('is made anew when the source counts a change, or is another one, and not otherwise', () => {
  const source = { registers: () => [], schemas: () => [], catalogueChanges: 1 };
  const current = new CurrentCatalogue();
  const first = current.of(source);
  expect(current.of(source)).toBe(first);
  source.catalogueChanges = 2;
  const second = current.of(source);
  expect(second).not.toBe(first);
  expect(current.of({ ...source })).not.toBe(second);
});
