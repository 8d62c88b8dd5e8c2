import { OTHER_WORDS, PEOPLE, PERSONAS } from './people.ts';
import { PROPERTY_FORMS } from './property-forms.ts';
import { REGISTERS, formatCell } from './rights-table.ts';
import type { RuleForm } from './rights-table.ts';
import { ROW_FORMS } from './row-forms.ts';

const INTRODUCTION = `# Rights matrix

What each form of rule lets everybody do. \`test/matrix\` asks all of it of a running platform, cell by cell: by id, in lists, on
a stream, by long poll of a topic and of a table, by \`_updatedSince\`, as objects and as records of tables. This page and
that test are made from the same table.

## Letters

| letter | means |
|---|---|
| \`r\` | reads the row: by id, on streams, by polls |
| \`o\` | reads it because it owns it, and no other way: by id, and on streams of it or of its organisation. The schema has no list, table or topic for it |
| \`l\` | finds it in lists, and in polls with \`_updatedSince\` |
| \`c\` | creates one like it, in the organisation that it acts for |
| \`u\` | changes it |
| \`d\` | deletes it |
| \`s\` | sees the property \`secret\` |
| \`w\` | may give that property a value, where it creates or changes the row |
| \`k\` | knows that the schema is there, although none of these rows is for it |
| \`-\` | nothing: for all that it is told, there is no such row |

Of a schema of which somebody has neither \`r\` nor \`c\` nor \`k\` in any row there is, for it, nothing: its lists, tables and
topics are answered like absent ones. What may be read and not done is 403 on the registers face; everything else, and
everything on the tables face, is 404; without a credential, 401.`;

/** The page of the reference that says what rules do, from the table that the matrix is tested by. */
export function rightsMatrixPage(): string {
  const people = PEOPLE.map((person) => [
    `\`${person}\``,
    PERSONAS[person]?.words ?? OTHER_WORDS[person] ?? '',
  ]);
  const registers = Object.entries(REGISTERS).map(([name, { rules, roles }]) => [
    `\`${name}\``,
    code(rules),
    roles.length === 0 ? '' : code(roles),
  ]);
  return [
    INTRODUCTION,
    `## People\n\n${table(['who', 'what it is'], people)}`,
    `## Registers\n\nA schema is in the register \`plain\`, if nothing else is said.\n\n${table(['register', 'rules', 'roles'], registers)}`,
    `## Rules of rows\n\nWhat a form says, it says for every action, if its rules do not say otherwise.`,
    ...ROW_FORMS.map(formSection),
    `## Rules of the property \`secret\``,
    ...PROPERTY_FORMS.map(formSection),
  ].join('\n\n');
}

function formSection({ name, words, register, rules, secret, rows }: RuleForm): string {
  const said = [
    register === 'plain' ? undefined : `register \`${register}\``,
    `rules ${code(rules)}`,
    secret === undefined ? undefined : `\`secret\` ${code(secret)}`,
  ].filter((part) => part !== undefined);
  const lines = rows.map((row) => [row.name, ...PEOPLE.map((person) => formatCell(row.cells[person]))]);
  return `### ${name}\n\n${words}\n\n${said.join('; ')}\n\n${table(['row', ...PEOPLE], lines)}`;
}

/** The same rules for every action are said once. */
function code(value: object): string {
  const texts = new Set(Object.values(value).map((rules) => JSON.stringify(rules)));
  const [first] = texts;
  const isEvery = !Array.isArray(value) && Object.keys(value).length === 5 && texts.size === 1;
  return isEvery ? `for every action \`${first}\`` : `\`${JSON.stringify(value)}\``;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
