import { errorCodeRow, errorCodeSchema } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { COME_AGAIN, reconnectOf } from './transport-refusal.ts';
import type { MessageCheck } from './transport-messages.ts';
import { Account } from './transport.ts';
import type { Condition, End, Followed, Place, Refusal, Told } from './transport.ts';

/** What GraphQL's clients send, however they do. */
export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What every event has beside the object's own fields. */
const EVENT_FIELDS = ['_event', '_eventId', '_changed', '_uuid'] as const;

/** The subscription with everything in the document: what an EventSource can ask for. */
export function inlineRequest({ place, filter, fields }: Followed): GraphqlRequest {
  const given = filter === undefined ? '' : argumentOf(filter, JSON.stringify(filter.value));
  return { query: `subscription { ${place.graphql.events}${given} { ${selectionOf(place, fields)} } }` };
}

/** The same as client libraries send it: named, with a fragment and variables, and the cursor in the extensions. */
export function fullRequest({ place, filter, fields, cursor }: Followed): GraphqlRequest {
  const name = filter === undefined ? 'Watch' : 'Watch($value: String)';
  const given = filter === undefined ? '' : argumentOf(filter, '$value');
  const selection = `... { ${selectionOf(place, fields)} } __typename`;
  return {
    query: `subscription ${name} { ${place.graphql.events}${given} { ${selection} } }`,
    ...(filter && { variables: { value: filter.value } }),
    ...(cursor !== undefined && { extensions: { lastEventId: cursor } }),
  };
}

function argumentOf({ field, operator }: Condition, value: string): string {
  return `(filter: {${field}: ${operator === 'eq' ? value : `{${operator}: ${value}}`}})`;
}

function selectionOf({ graphql }: Place, fields: Followed['fields']): string {
  return [...EVENT_FIELDS, ...(fields ?? graphql.properties)].join(' ');
}

interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string };
}

type Row = Readonly<Record<string, unknown>>;

interface Result extends Row {
  readonly data?: Readonly<Record<string, Row | null>> | null;
  readonly errors?: readonly GraphqlError[];
  readonly extensions?: {
    readonly resync?: { readonly reason: string; readonly current: string };
    readonly credentialExpiring?: { readonly expiresAt: string };
    readonly eventId?: string;
  };
}

/** Takes down one GraphQL subscription: what `next` carried, and how it ended. */
export class GraphqlReader {
  readonly account = new Account();
  readonly #place: Place;
  readonly #check: MessageCheck;
  #begun = false;
  #errors: readonly GraphqlError[] = [];

  constructor({ place }: Followed, check: MessageCheck) {
    this.#place = place;
    this.#check = check;
  }

  /** It is told of changes from here on: what comes without data is an end and no refusal. */
  begin(): void {
    this.#begun = true;
  }

  /** Resolves when it is told of changes, was refused, or is over. */
  async untilBegun(): Promise<void> {
    await waitFor(() => this.#begun || !this.account.live, {
      what: 'the GraphQL subscription begins or is refused',
      timeoutMs: 10_000,
    });
  }

  /** Resolves when nothing comes any more. */
  async untilOver(): Promise<void> {
    await waitFor(() => this.account.end, { what: 'the GraphQL subscription ends', timeoutMs: 10_000 });
  }

  /** Everything up to here was told, or is not for it. */
  position(cursor: string): void {
    this.#begun = true;
    this.account.cursor = cursor;
  }

  /** @param id of the frame, where frames have one; elsewhere the result says it itself. */
  next(payload: unknown, id?: string): void {
    const { account } = this;
    this.#check.document('graphql-result', payload);
    const result = payload as Result;
    const { data, errors = [], extensions = {} } = result;
    const { resync, credentialExpiring } = extensions;
    if (data !== undefined && data !== null) {
      const told = this.#change(result);
      const said = id ?? extensions.eventId;
      if (said !== told.cursor) this.#fault(`the id ${said} is not that of`, result);
      account.changes.push(told);
      this.position(told.cursor);
    } else if (resync !== undefined) {
      if (id !== undefined && id !== resync.current) this.#fault(`the id ${id} is not that of`, result);
      account.resyncs.push({ reason: resync.reason, current: resync.current });
      this.position(resync.current);
    } else if (credentialExpiring !== undefined) {
      account.expiring.push(credentialExpiring.expiresAt);
    } else {
      this.#errors = errors;
    }
  }

  /** Errors that stand for the whole operation. */
  fail(errors: readonly GraphqlError[]): void {
    this.#errors = errors;
    this.complete();
  }

  /** The connection is over, and with it the subscription; nothing where that was told its end. */
  close(end: End): void {
    const { account } = this;
    if (account.refusal !== undefined) return;
    if (!this.#begun && end.reconnect) account.refusal = COME_AGAIN;
    else account.end = { ...end, ...account.end };
  }

  /** Nothing comes any more. */
  complete(): void {
    const [error] = this.#errors;
    const refusal = error && readGraphqlRefusal(error);
    if (this.#begun) {
      const code = refusal?.code;
      this.account.end = { code, reconnect: code !== undefined && reconnectOf(code) };
    } else if (refusal === undefined) this.#fault('an operation is complete before it begins', {});
    else this.account.refusal = refusal;
  }

  #change(result: Result): Told {
    const { data, errors = [] } = result;
    const { events } = this.#place.graphql;
    const row = data?.[events];
    if (row === undefined || row === null || Object.keys(data ?? {}).length !== 1) {
      this.#fault(`${events} is not what is told in`, result);
    }
    const { _event, _eventId, _changed, _uuid, __typename, ...properties } = row ?? {};
    const hidden = new Set(errors.map(({ path }) => path?.[1]));
    for (const { path, extensions } of errors) {
      const isNull = path?.[0] === events && properties[String(path[1])] === null;
      if (!isNull || extensions.code !== 'FIELD_FORBIDDEN') this.#fault('an error of no null in', result);
    }
    const isGone = _event === 'REMOVED' || _event === 'DELETED';
    const rest = [...Object.values(properties), _changed];
    if (isGone && (hidden.size > 0 || rest.some((value) => value !== null))) {
      this.#fault('more than the id is told in', result);
    }
    if (_event !== 'UPDATED' && _changed !== null) this.#fault('only updates change anything:', result);
    const told = Object.entries(properties).filter(([name]) => !hidden.has(name));
    return {
      event: EVENTS.get(String(_event)) ?? 'update',
      id: String(_uuid),
      cursor: String(_eventId),
      fields: isGone ? undefined : Object.fromEntries(told),
      changed: (_changed as readonly string[] | null) ?? undefined,
      old: undefined,
      raw: result,
    };
  }

  #fault(about: string, result: Row): void {
    this.#check.faults.push(`${about} ${JSON.stringify(result)}`);
  }
}

const EVENTS: ReadonlyMap<string, Told['event']> = new Map([
  ['CREATED', 'insert'],
  ['ENTERED', 'insert'],
  ['UPDATED', 'update'],
  ['REMOVED', 'delete'],
  ['DELETED', 'delete'],
] as const);

/** What GraphQL's own rules say of a name that is not there; our other protocols have codes for it. */
const OWN_WORDS = [
  [/^Cannot query field "\w+" on type "Subscription"\.$/, 'NOT_FOUND'],
  [/^Expected value of type "\w+Filter" not to include unknown field "\w+", found: /, 'UNKNOWN_FIELD'],
] as const;

export function readGraphqlRefusal({ message, extensions }: GraphqlError): Refusal {
  const own = OWN_WORDS.find(([words]) => extensions.code === 'BAD_REQUEST' && words.test(message))?.[1];
  const code = errorCodeSchema.parse(own ?? extensions.code);
  return { status: errorCodeRow(code).status, code, message, retryAfter: undefined };
}
