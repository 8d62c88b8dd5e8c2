import { SYSTEM_MEMBERS } from './rights.ts';
import type {
  Asker,
  Image,
  Match,
  Operand,
  Principal,
  Rights,
  Role,
  Rule,
  RuleAction,
  Rules,
  Schema,
  Scopes,
} from './rights.ts';

/**
 * Who may see and do what, written down a second time: slowly, one row and one rule at a time, from the documents and
 * not from the product's code. Nothing is prepared, shared or remembered here.
 */
export interface Question {
  readonly rights: Rights;
  readonly asker: Asker;
  readonly schema: Schema;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const OLDEST_ANCESTOR = 10;
const PSEUDO_GROUPS = new Set(['public', 'authenticated', 'admin']);

/** Whether the row may be read: administrator, then tenant boundary, then owner, then rules. */
export function mayReadRow(question: Question, row: Image): boolean {
  return mayActOn(question, row, 'read');
}

/** Whether the row is in lists: a rule for that narrows what may be read, and nothing else does. */
export function mayListRow(question: Question, row: Image): boolean {
  return mayReadRow(question, row) && mayActOn(question, row, 'list');
}

/** Whether the action is allowed on this image of a row. */
export function mayActOn(question: Question, row: Image, action: RuleAction): boolean {
  const { rights, asker, schema } = question;
  if (!rights.policies.has(schema.id) || hasEnded(question)) return false;
  if (!insideScopes(question, row, action)) return false;
  const principal = principalOf(question);
  if (principal?.admin === true) return true;
  const organisation = row['_organisation'];
  if (typeof organisation !== 'string') return false;
  if (principal === null) {
    if (!isReading(action)) return false;
  } else {
    const chain = organisationsAbove(rights, principal);
    const inside = isReading(action) ? chain.includes(organisation) : chain[0] === organisation;
    if (!inside) return false;
    if (action !== 'create' && row['_owner'] === asker.principal) return true;
  }
  return rulesAllow(question, row, action);
}

/** Whether a rule, and not ownership, lets the asker read the row. */
export function mayReadByRule(question: Question, row: Image): boolean {
  return mayReadRow(question, row) && mayReadRow(question, { ...row, _owner: null });
}

/** The properties of a readable row that may be read. */
export function readableProperties(question: Question, row: Image): ReadonlySet<string> {
  return propertiesWith(question, row, 'read');
}

/** The properties that may be written on this image. */
export function writableProperties(question: Question, row: Image): ReadonlySet<string> {
  return propertiesWith(question, row, 'update');
}

/** The row as the asker sees it: `id`, system members, and the readable properties that it has. */
export function projected(question: Question, row: Image, only?: ReadonlySet<string>): Image | undefined {
  if (!mayReadRow(question, row)) return undefined;
  const readable = readableProperties(question, row);
  const seen: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  seen['id'] = row['_uuid'];
  for (const name of SYSTEM_MEMBERS) seen[name] = row[name];
  for (const name of question.schema.properties.keys()) {
    if (readable.has(name) && (only === undefined || only.has(name)) && Object.hasOwn(row, name)) {
      seen[name] = row[name];
    }
  }
  return seen;
}

/** The organisation that the principal acts for, and those above it. */
export function organisationsAbove(rights: Rights, principal: Principal): readonly string[] {
  const chain: string[] = [];
  let next = principal.active;
  while (next !== null && chain.length <= OLDEST_ANCESTOR) {
    const organisation = rights.organisations.get(next);
    if (organisation === undefined) break;
    if (chain.includes(next)) return chain.slice(0, 1);
    chain.push(next);
    next = organisation.parent;
  }
  return chain;
}

/** Whether the asker is told who made a change of this organisation's actor. */
export function knowsActor({ rights, asker }: Question, actorOrganisation: string | null): boolean {
  const principal = asker.principal === null ? undefined : rights.principals.get(asker.principal);
  if (principal === undefined) return false;
  if (principal.admin) return true;
  return actorOrganisation !== null && principal.organisations.includes(actorOrganisation);
}

function principalOf({ rights, asker }: Question): Principal | null {
  return asker.principal === null ? null : (rights.principals.get(asker.principal) ?? null);
}

function hasEnded({ rights, asker }: Question): boolean {
  if (asker.principal === null || asker.credential === null) return false;
  if (!rights.principals.has(asker.principal)) return true;
  const credential = rights.credentials.get(asker.credential);
  return credential === undefined ? asker.limits === undefined : credential.ended;
}

function scopesOf({ rights, asker }: Question): Scopes | null {
  if (asker.credential === null) return null;
  const credential = rights.credentials.get(asker.credential);
  if (credential !== undefined) return credential.scopes;
  return asker.limits === undefined ? null : (JSON.parse(asker.limits) as Scopes | null);
}

function insideScopes(question: Question, row: Image, action: RuleAction): boolean {
  const { schema } = question;
  const scopes = scopesOf(question);
  const asked = isReading(action) ? 'read' : action;
  if (scopes?.actions !== undefined && !scopes.actions.includes(asked)) return false;
  return scopes?.topics === undefined || scopes.topics.some((topic) => insideTopic(topic, schema, row));
}

/** Whether a row belongs to a topic. */
export function insideTopic(topic: string, schema: Schema, row: Image): boolean {
  return (
    topic === `register/${schema.register}` ||
    topic === `register/${schema.register}/schema/${schema.slug}` ||
    topic === `object/${String(row['_uuid'])}` ||
    topic === `organisation/${String(row['_organisation'])}`
  );
}

function isReading(action: RuleAction): boolean {
  return action === 'read' || action === 'list';
}

function rulesAllow(question: Question, row: Image, action: RuleAction): boolean {
  const { rights, schema } = question;
  const rules = rulesFor(
    governing(rights, schema),
    rights.policies.get(schema.registerId)?.roles ?? [],
    action,
  );
  // Nobody said that what may be read is not to be listed.
  if (rules === undefined && action === 'list') return rulesAllow(question, row, 'read');
  // Nothing said about the action: the members of the row's organisation, which the boundary has asked for already.
  if (rules === undefined) return principalOf(question) !== null;
  return rules.some((rule) => ruleAllows(question, row, rule));
}

/** A schema's own rules, or its register's where it says nothing. */
export function governing(rights: Rights, schema: Pick<Schema, 'id' | 'registerId'>): Rules {
  const { roles = {}, ...own } = rights.policies.get(schema.id)?.authorization ?? {};
  if (Object.keys(own).length + Object.keys(roles).length > 0) return { ...own, roles };
  return rights.policies.get(schema.registerId)?.authorization ?? {};
}

/** What is said of an action, in so many words or by the roles that have it; undefined: nothing. */
function rulesFor(rules: Rules, roles: readonly Role[], action: RuleAction): readonly Rule[] | undefined {
  const groups = Object.entries(rules.roles ?? {}).flatMap(([name, holders]) =>
    roles.some((role) => role.name === name && role.actions.includes(action)) ? holders : [],
  );
  if (rules[action] === undefined && groups.length === 0) return undefined;
  return [...(rules[action] ?? []), ...groups];
}

function propertiesWith(question: Question, row: Image, right: 'read' | 'update'): ReadonlySet<string> {
  const names = [...question.schema.properties.keys()];
  if (principalOf(question)?.admin === true) return new Set(names);
  const policy = question.rights.policies.get(question.schema.id);
  return new Set(
    names.filter((name) => {
      const rules = Object.hasOwn(policy?.properties ?? {}, name)
        ? policy?.properties[name]?.[right]
        : undefined;
      return rules === undefined || rules.some((rule) => ruleAllows(question, row, rule));
    }),
  );
}

function ruleAllows(question: Question, row: Image, rule: Rule): boolean {
  const { group, match } = typeof rule === 'string' ? { group: rule, match: undefined } : rule;
  return isInGroup(question, row, group) && (match === undefined || meets(question, row, match));
}

/** A group counts on rows of its own organisation only. */
function isInGroup(question: Question, row: Image, group: string): boolean {
  const principal = principalOf(question);
  if (group === 'public') return true;
  if (group === 'authenticated') return principal !== null;
  if (principal === null || PSEUDO_GROUPS.has(group)) return false;
  const organisation = row['_organisation'];
  return (
    organisationsAbove(question.rights, principal).includes(String(organisation)) &&
    principal.groups.some((own) => own.organisation === organisation && own.group === group)
  );
}

function meets(question: Question, row: Image, match: Match): boolean {
  const fields = Object.entries(match);
  return (
    fields.length > 0 &&
    fields.every(([field, wanted]) => {
      const operators =
        typeof wanted === 'object' && !Array.isArray(wanted) ? Object.entries(wanted) : [['$eq', wanted]];
      return operators.every(([operator, operand]) =>
        holds(question, row, { field, operator: String(operator), operand: operand as Operand }),
      );
    })
  );
}

interface Term {
  readonly field: string;
  readonly operator: string;
  readonly operand: Operand;
}

function holds(question: Question, row: Image, { field, operator, operand }: Term): boolean {
  const value = Object.hasOwn(row, field) ? (row[field] ?? null) : null;
  if (operator === '$exists') return (value !== null) === operand;
  const isInstant = question.schema.properties.get(field) === 'instant';
  const resolved = Array.isArray(operand)
    ? operand.map((one: Operand) => resolve(question, one))
    : [resolve(question, operand)];
  // A variable without a value makes the condition false, whatever the operator.
  if (resolved.includes(null)) return false;
  return compareWith(operator, value, resolved, isInstant);
}

/** What `$organisation`, `$userId` and `$now` stand for; null: for nothing. */
function resolve(question: Question, operand: Operand): unknown {
  const principal = principalOf(question);
  switch (operand) {
    case '$organisation':
    case '$activeOrganisation':
      return principal === null ? null : (organisationsAbove(question.rights, principal)[0] ?? null);
    case '$userId':
    case '$user':
      return principal?.id ?? null;
    case '$now':
      return new Date(question.now).toISOString();
    default:
      return operand;
  }
}

/** A comparison of values of one type; null and values of different types meet nothing. Instants compare as such. */
export function compareWith(
  operator: string,
  value: unknown,
  operands: readonly unknown[],
  isInstant: boolean,
): boolean {
  const left = isInstant ? instantOf(value) : value;
  const rights = isInstant ? operands.map(instantOf) : operands;
  if (!['string', 'number', 'boolean'].includes(typeof left)) return false;
  if (operator === '$in') return rights.some((right) => right === left);
  if (operator === '$nin') return rights.every((right) => typeof right === typeof left && right !== left);
  const [right] = rights;
  if (typeof right !== typeof left) return false;
  if (operator === '$eq') return left === right;
  if (operator === '$ne') return left !== right;
  if (typeof left === 'boolean') return false;
  const order =
    typeof left === 'string' ? compareCodePoints(left, String(right)) : Number(left) - Number(right);
  switch (operator) {
    case '$gt':
      return order > 0;
    case '$gte':
      return order >= 0;
    case '$lt':
      return order < 0;
    case '$lte':
      return order <= 0;
    default:
      return false;
  }
}

function instantOf(value: unknown): unknown {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The order of two texts by code points, as their UTF-8 bytes sort. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}
