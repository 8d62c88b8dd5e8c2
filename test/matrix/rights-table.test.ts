import { expect, test } from 'vitest';
import { PEOPLE } from './people.ts';
import { PROPERTY_FORMS } from './property-forms.ts';
import { rightsMatrixPage } from './rights-page.ts';
import { REGISTERS, row } from './rights-table.ts';
import { ROW_FORMS } from './row-forms.ts';

const FORMS = [...ROW_FORMS, ...PROPERTY_FORMS];
const text = JSON.stringify([FORMS, REGISTERS]);

test('every operator, variable, pseudo group and level of rules has a form', () => {
  const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists'];
  const variables = ['$organisation', '$userId', '$now'];
  for (const word of [...operators, ...variables, 'public', 'authenticated', 'admin', 'roles']) {
    expect(text).toContain(`"${word}"`);
  }
  expect(new Set(FORMS.map(({ register }) => register))).toEqual(new Set(Object.keys(REGISTERS)));
  expect(new Set(FORMS.map(({ name }) => name)).size).toBe(FORMS.length);
});

test('the page shows every form, row and person', () => {
  const page = rightsMatrixPage();
  for (const { name, rows } of FORMS) {
    expect(page).toContain(`### ${name}\n`);
    for (const one of rows) expect(page).toContain(`| ${one.name} | `);
  }
  for (const person of PEOPLE) expect(page).toContain(`| \`${person}\` | `);
});

test('letters of a property stand only where a form has rules of one', () => {
  const misplaced = ROW_FORMS.flatMap(({ rows }) =>
    rows.flatMap(({ cells }) => PEOPLE.filter((person) => cells[person].has('s') || cells[person].has('w'))),
  );
  expect(misplaced).toEqual([]);
});

test.each(['rr', 'lr', 'x', 'r-', ''])('the cell "%s" is refused', (cell) => {
  const others = Array.from({ length: PEOPLE.length - 1 }, () => '-').join(' ');
  expect(() => row('any', {}, `${cell} ${others}`)).toThrow(RangeError);
});
