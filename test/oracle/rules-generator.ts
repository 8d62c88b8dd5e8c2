import type { Random } from './random.ts';
import type { FilterTerm } from './filter.ts';
import type { OrderTerm } from './lists.ts';
import type {
  Match,
  Operand,
  Policy,
  PropertyKind,
  Role,
  Rule,
  RuleAction,
  Rules,
  Schema,
} from './rights.ts';
import type { Properties } from './model.ts';

/** The properties of every schema; some names are traps of their own. */
export const PROPERTY_KINDS = Object.freeze({
  status: 'string',
  prio: 'integer',
  score: 'number',
  open: 'boolean',
  until: 'instant',
  title: 'string',
  secret: 'string',
  assignee: 'string',
  tags: 'list',
  // Inherited by every object: as the name of a property it is data.
  constructor: 'string',
  // The id of a row, mostly of the same schema, that is there or was.
  parent: 'string',
} as const satisfies Record<string, PropertyKind | (() => void)>) as Readonly<Record<string, PropertyKind>>;

const FAR_PAST = ['2001-01-01T00:00:00.000Z', '2001-01-01T02:00:00+02:00', '1970-01-01T00:00:00Z'];
const FAR_FUTURE = ['2090-01-01T00:00:00.000Z', '2090-01-01T00:00:00.500Z'];

/** Values near each other, so that conditions on them are often met and often not. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  status: ['new', 'open', 'done', 'secret'],
  prio: [1, 2, 3, 4, 5],
  score: [-1.5, 0, 0.1, 2.5, 1e15, 9007199254740991],
  open: [true, false],
  until: [...FAR_PAST, ...FAR_FUTURE],
  title: ['a', 'Z', '～', '😀', '', 'a b', "it's", '"quoted"', '<b>', 'é'],
  secret: ['s-1', 's-2', 's-3'],
  tags: [[], ['a'], ['a', 'b'], ['b', 'c']],
  constructor: ['built', 'bought'],
};

/** The id of no row. */
const NOWHERE = 'ffffffff-ffff-4fff-8fff-ffffffffffff';

export const GROUPS = ['g1', 'g2', 'g3'] as const;
/** Roles that registers define; a name that every object has is a name like another. */
const ROLES = ['clerk', 'auditor', 'constructor'] as const;
const ACTIONS = ['read', 'list', 'create', 'update', 'delete'] as const satisfies readonly RuleAction[];
const ORDERED = ['$gt', '$gte', '$lt', '$lte'] as const;

/** Properties that a change of a row is worth most in. */
export interface Focus {
  /** Rules look at them. */
  readonly deciding: readonly string[];
  /** Somebody filters by them. */
  readonly filtered: readonly string[];
}

/** Makes rules, rows and filters for one world. */
export class Generator {
  readonly #people: readonly string[];
  readonly #rows: () => readonly string[];

  constructor(people: readonly string[], rows: () => readonly string[] = () => []) {
    this.#people = people;
    this.#rows = rows;
  }

  properties(random: Random): Properties {
    const names = Object.keys(PROPERTY_KINDS).filter(() => random.chance(0.85));
    return Object.fromEntries(names.map((name) => [name, this.value(random, name)]));
  }

  /** Some of the properties with other values; null: without it. What rules and filters look at changes most. */
  patch(random: Random, focus: Focus, current: Properties = {}): Record<string, unknown> {
    const all = Object.keys(PROPERTY_KINDS);
    const chosen = new Set([
      ...(focus.deciding.length > 0 && random.chance(0.8) ? [random.pick(focus.deciding)] : []),
      ...(focus.filtered.length > 0 && random.chance(0.5) ? [random.pick(focus.filtered)] : []),
      ...random.some(all, 0.08),
    ]);
    if (chosen.size === 0) chosen.add(random.pick(all));
    return Object.fromEntries(
      [...chosen].map((name) => {
        if (random.chance(0.08)) return [name, null];
        const value = this.value(random, name);
        return [name, value === current[name] ? this.value(random, name) : value];
      }),
    );
  }

  value(random: Random, name: string): unknown {
    const values =
      name === 'assignee' ? this.#people : name === 'parent' ? [NOWHERE, ...this.#rows()] : VALUES[name];
    return random.pick(values ?? ['x']);
  }

  policy(random: Random): Policy {
    return { authorization: this.rules(random), properties: this.propertyRules(random), roles: [] };
  }

  rules(random: Random): Rules | null {
    if (random.chance(0.06)) return null;
    const rules: { -readonly [member in keyof Rules]: Rules[member] } = {};
    if (random.chance(0.93)) {
      const others = this.#ruleList(random, 0.75);
      rules.read = random.chance(0.82)
        ? [{ group: 'authenticated', match: this.#even(random) }, ...others.slice(1)]
        : others;
    }
    if (random.chance(0.12)) rules.list = this.#ruleList(random, 0.9);
    for (const action of ['create', 'update', 'delete'] as const) {
      if (random.chance(0.8))
        rules[action] = random.chance(0.5) ? ['authenticated'] : this.#ruleList(random, 0.4);
    }
    if (random.chance(0.25)) rules.roles = this.#holders(random);
    return rules;
  }

  /** What the roles of a register may do: mostly write, because who reads all by a role sees nothing come or go. */
  roles(random: Random): Role[] {
    return random.some(ROLES, 0.7).map((name) => ({
      name,
      actions: ACTIONS.filter((action) => random.chance(action === 'read' ? 0.2 : 0.4)),
    }));
  }

  #holders(random: Random): Record<string, string[]> {
    // One of them is defined by no register: whoever holds it holds nothing.
    const names = random.some([...ROLES, 'nobody-knows'], 0.4);
    return Object.fromEntries(
      names.map((name) => [name, random.some([...GROUPS, random.chance(0.1) ? 'authenticated' : 'g1'], 0.4)]),
    );
  }

  propertyRules(random: Random): Policy['properties'] {
    const names = random.some(Object.keys(PROPERTY_KINDS), 0.3);
    return Object.fromEntries(
      names.map((name) => [
        name,
        {
          ...(random.chance(0.85) ? { read: this.#ruleList(random, 0.6) } : {}),
          ...(random.chance(0.3) ? { update: this.#ruleList(random, 0.3) } : {}),
        },
      ]),
    );
  }

  filter(random: Random): FilterTerm[] {
    const count = random.weighted([
      [7, 1],
      [2, 2],
      [1, 3],
    ]);
    const terms = Array.from({ length: count }, () => this.#filterTerm(random));
    // The same condition twice would be one list of values.
    return terms.filter(
      (term, i) => terms.findIndex((one) => one.field === term.field && one.operator === term.operator) === i,
    );
  }

  fields(random: Random): ReadonlySet<string> {
    const names = random.some(Object.keys(PROPERTY_KINDS), 0.4);
    return new Set(names.length === 0 ? ['status'] : names);
  }

  order(random: Random): OrderTerm[] {
    const sortable = Object.keys(PROPERTY_KINDS).filter((name) => PROPERTY_KINDS[name] !== 'list');
    const names = random.some(sortable, 0.15).slice(0, 5);
    return names.map((field) => ({ field, descending: random.chance(0.5) }));
  }

  search(random: Random): string {
    return random.pick([
      'a',
      'Z',
      'z',
      's-1',
      'S-',
      '😀',
      '"',
      "'",
      '%',
      '_',
      'é',
      'OPEN',
      'person',
      '2001',
      '<b',
    ]);
  }

  topics(
    random: Random,
    schema: Schema,
    known: { organisations: readonly string[]; rows: readonly string[] },
  ): string[] {
    const one = (): string =>
      random.weighted<() => string>([
        [55, () => `register/${schema.register}/schema/${schema.slug}`],
        [28, () => `register/${schema.register}`],
        [
          20,
          () =>
            known.organisations.length === 0
              ? `register/${schema.register}`
              : `organisation/${random.pick(known.organisations)}`,
        ],
        [
          15,
          () =>
            known.rows.length === 0 ? `register/${schema.register}` : `object/${random.pick(known.rows)}`,
        ],
      ])();
    const topics = new Set([one()]);
    while (random.chance(0.25)) topics.add(one());
    return [...topics];
  }

  #ruleList(random: Random, conditional: number): Rule[] {
    const count = random.weighted([
      [5, 1],
      [4, 2],
      [2, 3],
      [0.4, 0],
    ]);
    return Array.from({ length: count }, () => this.#rule(random, conditional));
  }

  #rule(random: Random, conditional: number): Rule {
    const group = random.weighted<string>([
      [5, 'authenticated'],
      [2, 'g1'],
      [2, 'g2'],
      [1, 'g3'],
      [1.5, 'public'],
      [0.2, 'admin'],
    ]);
    if (!random.chance(group === 'authenticated' ? Math.max(conditional, 0.7) : conditional)) return group;
    return { group, match: this.#match(random) };
  }

  #match(random: Random): Match {
    const terms = Array.from({ length: random.chance(0.7) ? 1 : 2 }, () => this.#matchTerm(random));
    return Object.fromEntries(terms);
  }

  /** A condition that about half of the rows meet, so that writes take rows in and out of it. */
  #even(random: Random): Match {
    return random.pick<Match>([
      { status: { $ne: random.pick(['secret', 'done']) } },
      { status: { $in: ['new', random.pick(['open', 'done'])] } },
      { status: { $nin: ['secret', 'done'] } },
      { prio: { $gte: random.pick([2, 3]) } },
      { prio: { $lte: 3 }, status: { $ne: 'secret' } },
      { prio: { $lt: 4 } },
      { open: true },
      { open: { $ne: true } },
      { until: { $gt: '$now' } },
      { until: { $lte: '$now' } },
      { title: { $gt: 'a' } },
      { score: { $gte: 0.1 } },
      { assignee: { $ne: '$userId' }, open: false },
    ]);
  }

  #matchTerm(random: Random): [string, Match[string]] {
    const field = random.pick([
      'status',
      'status',
      'prio',
      'prio',
      'score',
      'open',
      'until',
      'title',
      'assignee',
      'constructor',
      'variable',
    ]);
    if (field === 'variable') {
      return random.pick<[string, Match[string]]>([
        ['_organisation', '$organisation'],
        ['_organisation', { $ne: '$activeOrganisation' }],
        ['_owner', '$userId'],
        ['_owner', { $exists: random.chance(0.5) }],
        ['_version', { $gte: 2 }],
        ['assignee', { $in: ['$userId', this.#people[0] ?? 'x'] }],
        ['assignee', { $nin: ['$user'] }],
      ]);
    }
    if (random.chance(0.1)) return [field, { $exists: random.chance(0.7) }];
    if (field === 'until') {
      return [
        field,
        { [random.pick(ORDERED)]: random.chance(0.6) ? '$now' : String(this.value(random, 'until')) },
      ];
    }
    if (field === 'assignee') return [field, random.chance(0.7) ? '$userId' : { $ne: '$userId' }];
    const operand = (): Operand =>
      // Now and then of another type than the property: such a condition is never met.
      (random.chance(0.04)
        ? typeof this.value(random, field) === 'string'
          ? 3
          : '3'
        : this.value(random, field)) as Operand;
    return random.weighted<() => [string, Match[string]]>([
      [2, () => [field, operand()]],
      [1, () => [field, { $eq: operand() }]],
      [2, () => [field, { $ne: operand() }]],
      [3, () => [field, { [random.pick(ORDERED)]: operand() }]],
      [1, () => [field, { $gte: operand(), $lte: operand() }]],
      [2, () => [field, { [random.pick(['$in', '$nin'])]: [operand(), operand()] as never }]],
    ])();
  }

  #filterTerm(random: Random): FilterTerm {
    const field = random.pick([
      'status',
      'status',
      'prio',
      'score',
      'open',
      'until',
      'title',
      'secret',
      'assignee',
      'tags',
      'constructor',
      '_owner',
    ]);
    const kind = PROPERTY_KINDS[field] ?? 'string';
    const flag = random.chance(0.12);
    if (flag)
      return {
        field,
        operator: random.pick(['exists', 'null', 'empty']),
        values: [String(random.chance(0.5))],
      };
    if (kind === 'list') return { field, operator: 'eq', values: [random.pick(['a', 'b', 'c'])] };
    const value = (): string =>
      String(field === '_owner' ? random.pick(this.#people) : this.value(random, field));
    const texts = kind === 'string' ? (['like', '^', '$'] as const) : [];
    const orders = kind === 'boolean' ? [] : (['gt', 'gte', 'lt', 'lte', 'in', 'nin'] as const);
    const operator = random.pick(['eq', 'eq', 'ne', ...texts, ...orders]);
    const values = operator === 'in' || operator === 'nin' ? [value(), value()] : [value()];
    return { field, operator, values };
  }
}
