import { html, phrase } from './markup.ts';
import type { Markup } from './markup.ts';

/** A JSON Schema as the document has it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly [limit: string]: unknown;
}

/** Schemas that others refer to, by name. */
export type NamedSchemas = Readonly<Record<string, Schema>>;

const WORDS: Readonly<Record<string, string>> = { object: 'object', array: 'list', integer: 'whole number' };
/** Constraints as people say them, in the order in which they are said. */
const LIMITS: readonly (readonly [keyword: string, words: (value: unknown) => string])[] = [
  ['minLength', (value) => `at least ${String(value)} characters`],
  ['maxLength', (value) => `at most ${String(value)} characters`],
  ['minimum', (value) => `from ${String(value)}`],
  ['maximum', (value) => `to ${String(value)}`],
  ['exclusiveMinimum', (value) => `more than ${String(value)}`],
  ['exclusiveMaximum', (value) => `less than ${String(value)}`],
  ['minItems', (value) => `at least ${String(value)} of them`],
  ['maxItems', (value) => `at most ${String(value)} of them`],
  ['default', (value) => `${JSON.stringify(value)} when absent`],
];

/** The fragment of a named schema on the page. */
export function schemaAnchor(name: string): string {
  return `schema-${name}`;
}

/** A schema in one line: its name as a link, or what it is. Members of an object are not in it. */
export function typeOf(schema: Schema): Markup {
  const name = referredName(schema);
  if (name !== undefined) return html`<a class="type" href="#${schemaAnchor(name)}">${name}</a>`;
  const union = alternatives(schema);
  if (union !== undefined) return joined(union.map(typeOf));
  const values = valuesOf(schema);
  if (values !== undefined) return joined(values.map((value) => html`<code>${JSON.stringify(value)}</code>`));
  return html`<span class="type">${baseType(schema)}</span>${limitsOf(schema)}`;
}

/** The members of an object as a table, or undefined where a line says all. */
export function membersOf({ properties = {}, required = [] }: Schema): Markup | undefined {
  const members = Object.entries(properties);
  if (members.length === 0) return undefined;
  return html`<table class="members">
    ${members.map(
      ([name, member]) =>
        html`<tr>
          <th scope="row">
            <code>${name}</code>${required.includes(name) ? undefined : html` <i>optional</i>`}
          </th>
          <td>${typeOf(member)} ${about(member)} ${membersOf(innerObject(member))}</td>
        </tr>`,
    )}
  </table>`;
}

function about({ description }: Schema): Markup | undefined {
  return description === undefined ? undefined : html`<span class="about">${phrase(description)}</span>`;
}

/** A schema at length: its line, and its members below it; those of a named one when the reader opens them. */
export function schemaView(schema: Schema, named: NamedSchemas = {}): Markup {
  const members = [schema, ...(alternatives(schema) ?? [])]
    .map((part) => named[referredName(part) ?? ''])
    .filter((part) => part !== undefined)
    .flatMap((part) => membersOf(innerObject(part)) ?? []);
  return html`<div class="schema">
    ${typeOf(schema)} ${membersOf(innerObject(schema))}
    ${
      members.length === 0
        ? undefined
        : html`<details>
            <summary>Members</summary>
            ${members}
          </details>`
    }
  </div>`;
}

/** Of a list or a map its elements, because theirs are the members that a reader looks for. */
function innerObject(schema: Schema): Schema {
  const inner = schema.items ?? schema.additionalProperties;
  return schema.properties === undefined && typeof inner === 'object' ? inner : schema;
}

function baseType({ type, items, additionalProperties, properties }: Schema): Markup {
  if (type === 'array' && items !== undefined) return html`list of ${typeOf(items)}`;
  if (type === 'object' && properties === undefined && typeof additionalProperties === 'object')
    return html`object of ${typeOf(additionalProperties)}`;
  if (type === undefined) return html`anything`;
  return html`${WORDS[type] ?? type}`;
}

function limitsOf(schema: Schema): Markup | undefined {
  const limits = LIMITS.filter(([keyword]) => isTelling(schema[keyword])).map(([keyword, words]) =>
    words(schema[keyword]),
  );
  const { pattern } = schema;
  const matching =
    pattern === undefined ? undefined : html` matching <code class="pattern">${pattern}</code>`;
  if (limits.length === 0) return matching;
  return html` <span class="limits">${limits.join(', ')}</span>${matching}`;
}

/** Whether a limit says more than what every number in JSON is held to. */
function isTelling(value: unknown): boolean {
  return value !== undefined && Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER;
}

function referredName({ $ref = '' }: Schema): string | undefined {
  return /^#\/components\/schemas\/(.+)$/.exec($ref)?.[1];
}

function alternatives(schema: Schema): readonly Schema[] | undefined {
  return schema.anyOf ?? schema.oneOf;
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}

function joined(parts: readonly Markup[]): Markup {
  return html`${parts.map((part, index) => (index === 0 ? part : html` or ${part}`))}`;
}
