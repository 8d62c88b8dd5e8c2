import type { Face, Place } from './findings.ts';
import { knowsForm } from './rights-table.ts';
import type { Letter } from './rights-table.ts';

/** A row as somebody was shown it, with or without the property `secret` where that is what the form is about. */
export function shown({ form }: Pick<Place, 'form'>, withSecret: boolean): string {
  return form.secret === undefined ? 'shown' : `shown ${withSecret ? 'with' : 'without'} the secret`;
}

/** What the table says of being shown the row, to somebody with any of these letters. */
export function expectedSight(place: Place, ...letters: readonly Letter[]): string {
  const cell = place.row.cells[place.person];
  return letters.some((letter) => cell.has(letter)) ? shown(place, cell.has('s')) : 'nothing';
}

/** What is answered where there is nothing: nobody is told to say who it is. */
export function absent({ person }: Place): string {
  return person === 'nobody' ? '401' : '404';
}

/** What the table says of a GET by id. */
export function expectedGet(place: Place): string {
  const sight = expectedSight(place, 'r', 'o');
  return sight === 'nothing' ? absent(place) : sight;
}

/** What the table says of finding the row in a list, which is there for who knows the schema. */
export function expectedList(place: Place): string {
  return knowsForm(place.form, place.person) ? expectedSight(place, 'l') : absent(place);
}

/** What the table says of a topic or table of the schema; `nobody` may follow here, and is told the same as others. */
export function expectedTopic(place: Place): string {
  return knowsForm(place.form, place.person) ? expectedSight(place, 'r', 'o') : '404';
}

/** What the table says of a write of the row. */
export function expectedWrite(place: Place, face: Face, ...needed: readonly Letter[]): string {
  const cell = place.row.cells[place.person];
  if (place.person === 'nobody') return '401';
  if (needed.every((letter) => cell.has(letter))) return 'done';
  // A row that is there, and a change of it that is allowed but for the property.
  const isKnown = cell.has('r') || cell.has('o') || (needed.includes('w') && cell.has('u'));
  return isKnown && face === 'registers' ? '403' : '404';
}

/** What the table says of creating a row like it. */
export function expectedCreate(place: Place, face: Face, ...needed: readonly Letter[]): string {
  const cell = place.row.cells[place.person];
  if (place.person === 'nobody') return '401';
  if (needed.every((letter) => cell.has(letter))) return 'done';
  return knowsForm(place.form, place.person) && face === 'registers' ? '403' : '404';
}
