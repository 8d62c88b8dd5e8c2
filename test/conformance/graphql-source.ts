import { createHash, randomUUID } from 'node:crypto';
import type { Random } from '../oracle/random.ts';
import { HOSTILE_TEXTS } from './value-source.ts';

/** What GraphQL calls a schema and everything that is made of it. */
export interface GraphqlNames {
  readonly type: string;
  readonly list: string;
  readonly single: string;
  readonly create: string;
  readonly update: string;
  readonly delete: string;
  readonly events: string;
}

/** What GraphQL calls a schema of the slug `things-{number}`, which no other has. */
export function graphqlNamesOf(number: number): GraphqlNames {
  const [list, type] = [`things${number}`, `Things${number}`];
  return {
    type,
    list,
    single: `${list}ById`,
    create: `create${type}`,
    update: `update${type}`,
    delete: `delete${type}`,
    events: `${list}Events`,
  };
}

/** An operation as it is sent, whatever its members have become. */
export interface SentOperation {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

interface Subject {
  readonly graphql: GraphqlNames;
  /** Ids of its rows. */
  readonly objects: readonly string[];
}

/** Words of a document, and the values of its variables. */
interface Draft {
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, unknown>>;
}

type Kind = 'query' | 'mutation' | 'subscription';

/** Which operations of the document take which of GraphQL's. */
const KINDS: ReadonlyMap<string, readonly Kind[]> = new Map<string, readonly Kind[]>([
  ['queryWithGraphql', ['query']],
  ['executeGraphql', ['query', 'query', 'mutation']],
  ['subscribeWithGraphql', ['subscription']],
  ['postGraphqlSubscription', ['subscription']],
  ['startGraphqlOperation', ['subscription']],
]);

const FIELDS =
  '_uuid _register _schema _organisation _owner _version _created _updated __typename titel status aantal bedrag ' +
  'wanneer klaar lijst diep geheim';
const CONDITIONS = [
  'status : "a"',
  'titel : $text',
  'aantal : { gt : 1 , lt : 90 }',
  'klaar : true',
  'bedrag : null',
  'lijst : { in : [ "a" , "b" ] }',
  'wanneer : { gte : "2026-01-01T00:00:00Z" }',
  '_or : [ { titel : { startsWith : "D" } } , { _uuid : { ne : $text } } ]',
  '_and : [ ]',
  '_version : { gt : 0 }',
  'geheim : "x"',
];
/** Parts that have a meaning of their own where they come to stand. */
const NOISE = [
  ...'{ } [ ] ( ) ... @ $ " # ! = & | : """ __proto__ constructor __schema toString null on fragment'.split(
    ' ',
  ),
  ...'extend type -1e999 99999999999999999999 0x10 "\\u{110000}" "\\ud800" $nope $text ...Part'.split(' '),
  ...'@include(if:$nope) @skip(if:"x") @defer @stream @deprecated ...on,Query{__typename}'.split(' '),
  '',
  '\u0000',
  '1'.repeat(400),
  'x'.repeat(5000),
  '{'.repeat(2000),
  '['.repeat(2000),
  '...{'.repeat(40),
  'a:titel '.repeat(600),
  '__schema{types{fields{type{fields{name}}}}}',
];

/** Operations of GraphQL: documents that are just right, and near misses. */
export class GraphqlSource {
  readonly #random: Random;
  /** The probability that a part of an operation is something else than it should be. */
  mischief = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What is sent to an operation of the OpenAPI document; undefined: it takes none. */
  operation(operationId: string, subject: Subject): SentOperation | undefined {
    const kinds = KINDS.get(operationId);
    if (kinds === undefined) return undefined;
    const random = this.#random;
    const kind = this.#isWrong()
      ? random.pick(['query', 'mutation', 'subscription'] as const)
      : random.pick(kinds);
    const draft = this.#draft(kind, subject);
    const query = this.#mangled(draft.words).join(' ');
    const extensions = this.#extensions(query);
    return {
      ...(!this.#isWrong() && { query }),
      ...(random.chance(0.2) && { operationName: this.#isWrong() ? this.#hostile() : 'Asked' }),
      variables: this.#isWrong() ? this.#hostile() : this.#variables(draft.variables),
      ...(operationId === 'startGraphqlOperation'
        ? { extensions: { ...extensions, operationId: this.#isWrong() ? this.#hostile() : randomUUID() } }
        : random.chance(0.3) && { extensions: this.#isWrong() ? this.#hostile() : extensions }),
    };
  }

  #draft(kind: Kind, subject: Subject): Draft {
    const random = this.#random;
    const { graphql, objects } = subject;
    const id = objects.length > 0 ? random.pick(objects) : randomUUID();
    const text = random.pick(['a', 'Ding 1', id]);
    switch (kind) {
      case 'query':
        return { words: wordsOf(this.#query(graphql)), variables: { text, id, first: random.below(30) } };
      case 'mutation': {
        const input = { titel: `Ding ${text}`, aantal: random.below(9) };
        return {
          words: wordsOf(this.#mutation(graphql)),
          variables: { id, input, version: random.below(4) },
        };
      }
      case 'subscription':
        return { words: wordsOf(this.#subscription(graphql)), variables: { text } };
    }
  }

  #query({ type, list, single }: GraphqlNames): string {
    const random = this.#random;
    const rows = random.pick([
      `nodes { ${this.#selection(type)} } position`,
      `edges { cursor node { ${this.#selection(type)} } } pageInfo { hasNextPage endCursor }`,
      'totalCount',
    ]);
    const order = random.chance(0.3) ? ', order : [ { titel : DESC } , { _created : ASC } ]' : '';
    const field = random.pick([
      `rows : ${list} ( first : $first , filter : ${this.#filter()} ${order} ) { ${rows} }`,
      `${single} ( id : $id ) { ${this.#selection(type)} }`,
      `${list} { totalCount } other : ${list} ( search : $text , offset : 2 ) { ${rows} }`,
      '__schema { queryType { name } types { name kind } }',
      `__type ( name : "${type}" ) { fields { name type { name } } }`,
    ]);
    // What a document declares it has to use.
    const used = ['$text : String', '$id : UUID !', '$first : Int'].filter((variable) =>
      field.includes(`${variable.split(' ')[0]} `),
    );
    return `query Asked ${used.length > 0 ? `( ${used.join(' , ')} )` : ''} { ${field} }`;
  }

  #mutation(names: GraphqlNames): string {
    const random = this.#random;
    const { type } = names;
    return random.pick([
      `mutation Asked ( $input : ${type}Input ! ) { ${names.create} ( input : $input ) { ${this.#selection(type)} } }`,
      `mutation Asked ( $id : UUID ! , $input : ${type}Patch ! , $version : Int ) { ${names.update} ( id : $id , input : $input , version : $version ) { _uuid _version } }`,
      `mutation Asked ( $id : UUID ! , $input : ${type}Patch ! ) { ${names.update} ( id : $id , input : $input ) { ${this.#selection(type)} } }`,
      `mutation Asked ( $id : UUID ! ) { ${names.delete} ( id : $id ) { _uuid } }`,
    ]);
  }

  #subscription({ type, events }: GraphqlNames): string {
    const random = this.#random;
    const filter = this.#filter();
    const head = filter.includes('$text') ? 'subscription Asked ( $text : String )' : 'subscription Asked';
    const kinds = random.chance(0.3) ? ', events : [ CREATED , UPDATED ]' : '';
    const selection = `_event _eventId _changed ${this.#selection(`${type}Event`)}`;
    return `${head} { ${random.chance(0.2) ? 'told :' : ''} ${events} ( filter : ${filter} ${kinds} ) { ${selection} } }`;
  }

  #selection(type: string): string {
    const random = this.#random;
    const fields = FIELDS.split(' ').filter(() => random.chance(0.3));
    const text = ['_uuid', ...fields].join(' ');
    return random.pick([text, `... on ${type} { ${text} }`, `${text} naam : titel @include ( if : true )`]);
  }

  #filter(): string {
    const random = this.#random;
    const conditions = CONDITIONS.filter(() => random.chance(0.15));
    return `{ ${conditions.slice(0, 3).join(' , ')} }`;
  }

  /** A few words dropped, doubled, exchanged or replaced. */
  #mangled(words: readonly string[]): readonly string[] {
    const random = this.#random;
    const mangled = [...words];
    while (this.#isWrong()) {
      const at = random.below(mangled.length + 1);
      const here = mangled[at] ?? '';
      switch (random.below(5)) {
        case 0:
          mangled.splice(at, 1);
          break;
        case 1:
          mangled.splice(at, 0, here);
          break;
        case 2:
          mangled.splice(at, 2, mangled[at + 1] ?? '', here);
          break;
        case 3:
          mangled[at] = random.pick([...NOISE, ...words]);
          break;
        default:
          mangled.splice(at, 0, random.pick(NOISE));
      }
    }
    return mangled;
  }

  #variables(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const entries = Object.entries(values).map(([name, value]) => [
      name,
      this.#isWrong() ? this.#hostile() : value,
    ]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  }

  #extensions(query: string): Readonly<Record<string, unknown>> {
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    return this.#random.pick([
      { lastEventId: this.#isWrong() ? this.#hostile() : 'evt-00000000-000000000041' },
      { persistedQuery: { version: this.#isWrong() ? this.#hostile() : 1, sha256Hash } },
      {},
    ]);
  }

  #isWrong(): boolean {
    return this.#random.chance(this.mischief);
  }

  #hostile(): unknown {
    const random = this.#random;
    return random.pick([
      null,
      true,
      -1,
      1e308,
      [],
      {},
      [[null]],
      { __proto__: null },
      random.pick(HOSTILE_TEXTS),
    ]);
  }
}

function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
