import type { Random } from '../oracle/random.ts';
import type { ApiDocument, DocumentedOperation, DocumentedParameter } from './api-document.ts';
import type { FuzzWorld, Place } from './fuzz-world.ts';
import { GraphqlSource } from './graphql-source.ts';
import type { SentOperation } from './graphql-source.ts';
import { HOSTILE_TEXTS, ValueSource } from './value-source.ts';

/** A request as it goes out, byte for byte. */
export interface FuzzRequest {
  readonly operation: DocumentedOperation;
  /** What it is about, as far as it is about rows. */
  readonly place: Place;
  readonly method: string;
  /** Path and query, escaped. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Whether path and method are those of the operation, so that its answers are the only ones allowed. */
  readonly onPath: boolean;
}

/** Operations that ask about topics or about a table. */
const SUBSCRIBING: ReadonlySet<string> = new Set(['poll', 'explain']);

/** Never waited for longer, or a run would be spent waiting: polls are told how long. */
const POLL_TIMES = ['0', '1', '40'];
const WRONG_POLL_TIMES = ['-1', 'x', '55001', ''];

/** Requests to documented operations: some just right, most wrong in one or several places. */
export class RequestSource {
  readonly #random: Random;
  readonly #values: ValueSource;
  readonly #world: FuzzWorld;
  readonly #graphql: GraphqlSource;
  #place: Place | undefined;
  /** What an operation of GraphQL is about. */
  #sent: SentOperation | undefined;

  constructor(document: ApiDocument, random: Random, world: FuzzWorld) {
    this.#random = random;
    this.#values = new ValueSource(document, random);
    this.#world = world;
    this.#graphql = new GraphqlSource(random);
  }

  next(operation: DocumentedOperation): FuzzRequest {
    const random = this.#random;
    // A third is meant well, so that the answers behind the checks are met too.
    this.#values.mischief = random.chance(0.35) ? 0 : random.pick([0.02, 0.1, 0.3]);
    const place = random.pick(this.#world.places);
    this.#place = place;
    this.#graphql.mischief = this.#values.mischief;
    this.#sent = this.#graphql.operation(operation.operationId, place);
    const strange = random.chance(this.#values.mischief / 2);
    const path = this.#path(operation, strange);
    const method =
      strange && random.chance(0.3) ? random.pick(['PUT', 'PATCH', 'DELETE', 'POST']) : operation.method;
    const content = this.#body(operation);
    return {
      operation,
      place,
      method,
      target: path + this.#query(operation),
      headers: { ...this.#headers(operation), ...this.#credential(operation), ...content.headers },
      body: content.body,
      onPath: !strange && method === operation.method,
    };
  }

  /** `strange`: what stands for a parameter may hold slashes and dots, and so lead to any other path. */
  #path(operation: DocumentedOperation, strange: boolean): string {
    const random = this.#random;
    return operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (strange)
        return random.pick(['..', '%2e%2e', '%2F', '%00', '%', '%ff', '', 'a%2Fb', '.', '//', ';a=b']);
      const text = wellFormed(this.#known(operation, name) ?? random.pick(HOSTILE_TEXTS));
      return encodeURIComponent(text).replaceAll('.', '%2E') || '-';
    });
  }

  /** Something that exists under this name, mostly. */
  #known({ path, parameters }: DocumentedOperation, name: string): string | undefined {
    const random = this.#random;
    if (random.chance(this.#values.mischief)) return undefined;
    const known = this.#names(path, name);
    if (known.length > 0) return random.pick(known);
    const parameter = parameters.find((each) => each.in === 'path' && each.name === name);
    const { example } = parameter ?? {};
    return typeof example === 'string' && random.chance(0.5)
      ? example
      : asText(this.#values.value(parameter?.schema ?? {}));
  }

  #names(path: string, name: string): readonly string[] {
    return this.#place === undefined ? [] : this.#world.names(this.#place, path, name);
  }

  #query(operation: DocumentedOperation): string {
    const random = this.#random;
    const parts: [string, string][] = [];
    // One of the two is required there, which no schema says.
    const subject = random.pick(['topic', 'table']);
    for (const parameter of operation.parameters.filter((each) => each.in === 'query')) {
      const { name } = parameter;
      const required =
        parameter.required === true || (SUBSCRIBING.has(operation.operationId) && name === subject);
      const sent = this.#sent?.[name as keyof SentOperation];
      if (sent !== undefined) {
        parts.push([name, asText(sent)]);
      } else if (name === 'timeoutMs') {
        parts.push([name, random.pick(random.chance(this.#values.mischief) ? WRONG_POLL_TIMES : POLL_TIMES)]);
      } else if (random.chance(required ? 1 - this.#values.mischief : 0.25)) {
        parts.push(...this.#parameter(operation, parameter));
      }
    }
    const { mischief } = this.#values;
    if (random.chance(mischief)) parts.push(...parts.slice(0, 1));
    if (random.chance(mischief)) {
      parts.push([
        random.pick(['__proto__[a]', 'filter[__proto__]', '_x', 'titel[nope]', 'a[b][c]', '', 'token']),
        random.pick(HOSTILE_TEXTS),
      ]);
    }
    const text = parts.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&');
    const raw = random.chance(mischief / 4)
      ? random.pick(['&%', '&%zz=%ff', '&=&=', '&a=%C3%28', '&&&&'])
      : '';
    return text === '' && raw === '' ? '' : `?${text}${raw}`;
  }

  #parameter({ path }: DocumentedOperation, parameter: DocumentedParameter): [string, string][] {
    const random = this.#random;
    const { name, style, example, schema } = parameter;
    if (style === 'deepObject') {
      const members = random.chance(0.5)
        ? example
        : { [random.pick(['titel', 'aantal', '_created', 'geheim', 'nergens'])]: 'a' };
      return Object.entries((members ?? {}) as Record<string, unknown>).map(([member, value]) => [
        random.chance(0.3)
          ? `${name}[${member}][${random.pick(['gt', 'in', 'like', 'exists', '$', 'nope'])}]`
          : `${name}[${member}]`,
        random.chance(this.#values.mischief) ? random.pick(HOSTILE_TEXTS) : String(value),
      ]);
    }
    const known = this.#names(path, name);
    const value =
      known.length > 0 && !random.chance(this.#values.mischief)
        ? random.pick(known)
        : random.chance(0.4) && example !== undefined
          ? example
          : this.#values.value(schema);
    const values = Array.isArray(value) ? value : [value];
    return values.slice(0, 120).map((one) => [name, asText(one)]);
  }

  #headers(operation: DocumentedOperation): Record<string, string> {
    const random = this.#random;
    const headers: Record<string, string> = {};
    for (const { name, in: place, example } of operation.parameters) {
      if (place !== 'header') continue;
      const known = this.#names(operation.path, name);
      if (!random.chance(known.length > 0 ? 0.9 : 0.25)) continue;
      const usual = typeof example === 'string' ? example : '"1"';
      const text = random.chance(this.#values.mischief)
        ? random.pick(HOSTILE_TEXTS)
        : random.pick(known.length > 0 ? known : [usual]);
      headers[name] = inHeader(text);
    }
    if (random.chance(0.1))
      headers['accept'] = random.pick([
        '*/*',
        'text/html',
        'application/json',
        'text/event-stream',
        'x/y;q=2',
      ]);
    if (random.chance(0.05)) headers['x-correlation-id'] = inHeader(random.pick(HOSTILE_TEXTS)).slice(0, 300);
    if (random.chance(0.05))
      headers['traceparent'] = inHeader(
        random.pick([
          '00-0-0-0',
          '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
          ...HOSTILE_TEXTS,
        ]),
      );
    if (random.chance(0.05)) headers['origin'] = random.pick(['null', 'https://example.org', 'x']);
    return headers;
  }

  #credential({ operationId }: DocumentedOperation): Readonly<Record<string, string>> {
    const random = this.#random;
    if (operationId === 'rotateSession' && random.chance(0.5)) return this.#world.living.session;
    const token = random.pick(this.#world.tokens);
    const header = random.weighted<string | undefined>([
      [12, token],
      [1, undefined],
      [0.5, 'tw_nobody'],
      [0.3, inHeader(random.pick(HOSTILE_TEXTS)).slice(0, 200)],
    ]);
    return header === undefined ? {} : { authorization: `Bearer ${header}` };
  }

  #body({ body, path }: DocumentedOperation): {
    readonly headers: Record<string, string>;
    readonly body: Buffer | undefined;
  } {
    const random = this.#random;
    const { mischief } = this.#values;
    if (body === undefined) {
      if (!random.chance(mischief / 2)) return { headers: {}, body: undefined };
      return { headers: { 'content-type': 'application/json' }, body: Buffer.from('{"a":1}') };
    }
    const [type, { schema = {}, example }] = random.pick(Object.entries(body));
    const made = this.#sent ?? (random.chance(0.4) ? example : this.#values.value(schema));
    // What is meant badly stays as it is, and a document names things itself.
    const place = random.chance(mischief) || this.#sent !== undefined ? undefined : this.#place;
    const value = place === undefined ? made : this.#world.freshen(place, path, made);
    let bytes: Buffer = Buffer.from(JSON.stringify(value) ?? '');
    if (random.chance(mischief / 2)) bytes = spoiled(random, bytes);
    const contentType = random.chance(mischief / 4)
      ? random.pick(['text/plain', 'application/xml', 'application/json; charset=latin1', ''])
      : type;
    return { headers: contentType === '' ? {} : { 'content-type': contentType }, body: bytes };
  }
}

/** What is no JSON, or is JSON as nobody should write it. */
function spoiled(random: Random, bytes: Buffer): Buffer {
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, Math.max(0, bytes.length - 1));
    case 1:
      return Buffer.concat([bytes, Buffer.from('x')]);
    case 2:
      return Buffer.from('['.repeat(3000) + ']'.repeat(3000));
    case 3:
      return Buffer.from(`{"titel":"a","titel":"b","__proto__":{"admin":true},"aantal":1e400}`);
    case 4:
      return Buffer.concat([Buffer.from('{"titel":"'), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"}')]);
    case 5:
      return Buffer.from(`{"titel":"${'x'.repeat(300 * 1024)}"}`);
    default:
      return Buffer.alloc(0);
  }
}

/** A value as it stands in a path or a query. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}

function escape(text: string): string {
  return encodeURIComponent(wellFormed(text)).replaceAll('%5B', '[').replaceAll('%5D', ']');
}

/** As much of a text as a header may hold. */
function inHeader(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]/g, '?');
}
