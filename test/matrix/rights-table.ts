import type { Person, Place } from './people.ts';
import { PEOPLE } from './people.ts';

/**
 * What a letter in a cell says: `r` reads the row; `o` reads it because it owns it, and no other way: there is no list,
 * table or topic of the schema for it; `l` finds it in lists; `c` creates one like it, in its own organisation; `u` changes
 * it; `d` deletes it; `s` sees the property `secret`; `w` may give it a value; `k` knows that the schema is there, although no
 * row of the form is for it. Nothing is `-`.
 */
export const LETTERS = 'rolcudswk';
export type Letter = 'r' | 'o' | 'l' | 'c' | 'u' | 'd' | 's' | 'w' | 'k';
export type Cell = ReadonlySet<Letter>;

/** A rule as a policy has it. */
export type Rule = string | { readonly group: string; readonly match: Readonly<Record<string, unknown>> };
type Action = 'read' | 'list' | 'create' | 'update' | 'delete';
export type Rules = { readonly [action in Action]?: readonly Rule[] } & {
  readonly roles?: Readonly<Record<string, readonly string[]>>;
};
/** Rules of the property `secret`. */
export interface SecretRules {
  readonly read?: readonly Rule[];
  readonly update?: readonly Rule[];
}

/** A row that a form is tried on. It belongs to `home` and to the person `owner`, if nothing else is said. */
export interface SampleRow {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Null: the row belongs to no organisation. */
  readonly place: Place | null;
  readonly cells: Readonly<Record<Person, Cell>>;
}

/** A form that rules can have, and what follows from it for everybody. */
export interface RuleForm {
  readonly name: string;
  readonly words: string;
  /** Which of {@link REGISTERS} the schema is in. */
  readonly register: RegisterName;
  readonly rules: Rules;
  readonly secret?: SecretRules;
  readonly rows: readonly SampleRow[];
}

/** The registers of the matrix, with the rules that their schemas fall back to. */
export const REGISTERS = {
  plain: { rules: {}, roles: [] },
  ruled: {
    rules: every('team'),
    roles: [
      { name: 'reader', actions: ['read', 'list'] },
      { name: 'editor', actions: ['read', 'list', 'create', 'update', 'delete'] },
    ],
  },
  matched: { rules: every({ group: 'authenticated', match: { level: 3 } }), roles: [] },
} as const;
export type RegisterName = keyof typeof REGISTERS;

/** The same rules for every action. */
export function every(...rules: readonly Rule[]): Rules {
  return { read: rules, list: rules, create: rules, update: rules, delete: rules };
}

/** A form of rules in the register `plain`. */
export function form(
  name: string,
  words: string,
  rules: Rules,
  rows: readonly SampleRow[],
  more: Partial<Pick<RuleForm, 'register' | 'secret'>> = {},
): RuleForm {
  return { name, words, register: 'plain', rules, rows, ...more };
}

/** A row and, person by person in the order of {@link PEOPLE}, what may be done with it. */
export function row(
  name: string,
  values: Readonly<Record<string, unknown>>,
  cells: string,
  place: Place | null = 'home',
): SampleRow {
  const texts = cells.trim().split(/ +/);
  if (texts.length !== PEOPLE.length) throw new RangeError(`${name}: ${texts.length} cells`);
  const parsed = PEOPLE.map((person, index) => [person, parseCell(texts[index] ?? '')] as const);
  return { name, values, place, cells: Object.fromEntries(parsed) as Record<Person, Cell> };
}

/** Letters, each once and in their order; `-` for none. */
function parseCell(text: string): Cell {
  if (text === '-') return new Set();
  const letters = text.split('');
  const places = letters.map((letter) => LETTERS.indexOf(letter));
  const inOrder = places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
  if (!inOrder) throw new RangeError(`'${text}' is no cell`);
  return new Set(letters as Letter[]);
}

/** A cell as the page shows it. */
export function formatCell(cell: Cell): string {
  return cell.size === 0 ? '-' : [...cell].join('');
}

/** Whether the schema of a form is there for a person: something in it may be read or created by a rule. */
export function knowsForm({ rows }: RuleForm, person: Person): boolean {
  return rows.some(({ cells }) => (['r', 'c', 'k'] as const).some((letter) => cells[person].has(letter)));
}
