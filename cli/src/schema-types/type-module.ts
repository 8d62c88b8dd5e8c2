import { nameInterfaces } from './interface-names.ts';
import type { ReadableCatalogue, ReadableSchema } from './readable-catalogue.ts';
import { formatComment, formatName } from './source-text.ts';
import { formatMembers } from './value-type.ts';

const HEADER = `// Made by \`tidewire types\` from the schemas of a server. Do not change it, make it again:
//   npx tidewire types --url URL --out FILE
// With --check the same command fails where FILE is not what the server says now.
`;
const WITHOUT_RULES = `// Made without the rules of properties, which only administrators are told: every property is optional.
`;

/**
 * A module of types only, without imports: an interface for each table, `Tables` and `Registers`. The same catalogue is the
 * same text, in whatever order the server tells it.
 */
export function formatTypeModule(catalogue: ReadableCatalogue): string {
  const schemas = catalogue.schemas.toSorted((one, other) => compare(one.table, other.table));
  const names = nameInterfaces(schemas.map(({ table }) => table));
  const nameOf: NameOf = ({ table }) => names.get(table) ?? 'unknown';
  const header = schemas.every(({ hasRules }) => hasRules) ? HEADER : `${HEADER}${WITHOUT_RULES}`;
  const tables = schemas.map((schema) => `  ${formatName(schema.table)}: ${nameOf(schema)};\n`);
  return [
    header,
    ...schemas.map((schema) => formatRecord(schema, nameOf(schema))),
    formatInterface(
      'Tables',
      ['Every table that the token may read, by the name it is asked for with.'],
      tables,
    ),
    formatInterface(
      'Registers',
      ['Registers and their schemas, by slug: what topics name.'],
      formatRegisters({ ...catalogue, schemas }, nameOf),
    ),
  ].join('\n');
}

type NameOf = (schema: ReadableSchema) => string;

function formatRegisters({ registers, schemas }: ReadableCatalogue, nameOf: NameOf): string[] {
  const slugs = new Set([...registers.map(({ slug }) => slug), ...schemas.map(({ register }) => register)]);
  return [...slugs].toSorted(compare).map((slug) => {
    const { title = '', description = '' } = registers.find((register) => register.slug === slug) ?? {};
    const members = schemas
      .filter(({ register }) => register === slug)
      .toSorted((one, other) => compare(one.slug, other.slug))
      .map((schema) => `    ${formatName(schema.slug)}: ${nameOf(schema)};\n`);
    const type = members.length === 0 ? '{}' : `{\n${members.join('')}  }`;
    return `${formatComment([title, description], '  ')}  ${formatName(slug)}: ${type};\n`;
  });
}

/**
 * The fields of a record as readers get them. A field is always there only where it is required and no rule can keep it from
 * a reader of the row.
 */
function formatRecord(schema: ReadableSchema, name: string): string {
  const { table, slug, register, title, description, properties, required, hasRules } = schema;
  const place = table === slug ? `register \`${register}\`` : `register \`${register}\`, schema \`${slug}\``;
  const members = Object.entries(properties).map(([property, definition]) => ({
    name: property,
    isOptional: !hasRules || !required.includes(property) || hasReadRule(definition),
    definition,
  }));
  const comment = [`A record of \`${table}\` (${place}).`, title, description];
  return formatInterface(name, comment, [formatMembers(members, '  ')]);
}

function hasReadRule(definition: unknown): boolean {
  const { authorization } = (definition ?? {}) as {
    readonly authorization?: { readonly read?: unknown } | null;
  };
  return authorization?.read !== undefined;
}

function formatInterface(name: string, comment: readonly string[], members: readonly string[]): string {
  const body = members.join('');
  return `${formatComment(comment)}export interface ${name} {${body === '' ? '' : `\n${body}`}}\n`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
