import { Finding } from './finding.ts';
import { sameJson } from './expectation.ts';
import type { Change } from './history.ts';
import { NO_RIGHTS, rightOf, withRight } from './rights.ts';
import type { Image, Principal, Rights, RightsKey, RightsValue, Schema } from './rights.ts';

/** Who writes with plain SQL. */
export const SQL_ACTOR = 'sql';

export type Properties = Readonly<Record<string, unknown>>;

/** A row as the answers to writes say that it is. */
export interface Row {
  readonly uuid: string;
  readonly schema: Schema;
  readonly organisation: string | null;
  readonly owner: string | null;
  readonly properties: Properties;
  /** Of the newest change, deletion included. */
  readonly version: number;
  readonly exists: boolean;
  /** Whether it lies in the trash. */
  readonly restorable?: boolean;
}

/** What is left of a row: its last image, and the version of its delete. */
export interface Grave {
  readonly schema: Schema;
  readonly image: Image;
  readonly version: number;
}

/** A write, as it has to appear in the log: exactly once. */
export interface ExpectedChange {
  readonly action: Change['action'];
  readonly row: Row;
  readonly actor: string;
  /** Whether it brings back what was deleted: who made it stays. */
  readonly restored?: boolean;
  /** Whether nobody knows if it was done: the answer was lost. */
  readonly uncertain: boolean;
  /** Number of the request or statement that it is part of: all of that is done, or nothing. */
  readonly request: number;
}

/** A write as whoever makes it knows it. */
export type Write = Pick<ExpectedChange, 'action' | 'row' | 'actor' | 'restored'>;

/** What the world must be like, from nothing but the answers that writers got. */
export class Model {
  readonly rows = new Map<string, Row>();
  /** Rows of which a write's answer was lost: not written to until the log has told. */
  readonly uncertain = new Set<string>();
  /** The newest images as the log told them, once they were found right. */
  readonly images = new Map<string, { readonly schema: Schema; readonly image: Image }>();
  /** The last images of what was deleted, also where it was made again; one for each place that a row was in. */
  readonly graves = new Map<string, readonly Grave[]>();
  /** Who made a row, and who wrote it last; of what was deleted too. */
  readonly writers = new Map<
    string,
    { readonly created: Change['actor']; readonly updated: Change['actor'] }
  >();
  rights: Rights = NO_RIGHTS;
  readonly #requestOf = new Map<number, number>();
  #requests = 0;
  #expected: ExpectedChange[] = [];
  #changes: Change[] = [];
  readonly #expectedRights = new Map<RightsKey, RightsValue[]>();
  readonly #toldRights = new Map<RightsKey, RightsValue[]>();

  /** The writes of one request were acknowledged, or may have been done. */
  wrote(changes: readonly Write[], uncertain = false): void {
    this.#requests += 1;
    for (const change of changes) {
      this.#expected.push({ ...change, uncertain, request: this.#requests });
      if (uncertain) this.uncertain.add(change.row.uuid);
      else this.rows.set(change.row.uuid, change.row);
    }
  }

  /** A change of rights was acknowledged. */
  granted(key: RightsKey, value: RightsValue): void {
    // What is as it was before does not have to be told.
    if (sameRight(rightOf(this.rights, key), value)) return;
    this.rights = withRight(this.rights, key, value);
    this.#expectedRights.set(key, [...(this.#expectedRights.get(key) ?? []), value]);
  }

  /** The log told of a change. */
  told(change: Change): void {
    this.#changes.push(change);
  }

  toldRights(key: RightsKey, value: RightsValue): void {
    this.#toldRights.set(key, [...(this.#toldRights.get(key) ?? []), value]);
  }

  /** Number of the request that a change came of that was settled last. */
  requestOf(sequence: number): number {
    return this.#requestOf.get(sequence) ?? 0;
  }

  principal(id: string): Principal {
    const found = this.rights.principals.get(id);
    if (found === undefined) throw new Error(`there is no principal ${id}`);
    return found;
  }

  /**
   * Compares the log with the answers: every acknowledged write exactly once, in the order of each row's versions, with
   * what was written; every change of rights in its order; nothing else.
   */
  settle(): void {
    const changes = this.#changes;
    const expected = this.#expected;
    this.#changes = [];
    this.#expected = [];
    this.#requestOf.clear();
    const requests = new Map<number, Change[]>();
    for (const change of changes) {
      const { request } = this.#settleChange(change, expected);
      requests.set(request, [...(requests.get(request) ?? []), change]);
    }
    settleRequests(requests, expected);
    const lost = expected.find(({ uncertain }) => !uncertain);
    if (lost !== undefined) throw new Finding('wrong-log', 'a write is not in the log', { lost });
    this.uncertain.clear();
    this.#settleRights();
  }

  #settleChange(change: Change, expected: ExpectedChange[]): ExpectedChange {
    const index = expected.findIndex((one) => describes(one, change));
    const found = expected[index];
    if (found === undefined) {
      throw new Finding('wrong-log', 'the log tells of a change that nobody made', {
        change,
        expected: expected.filter(({ row }) => row.uuid === change.uuid),
      });
    }
    expected.splice(index, 1);
    this.#requestOf.set(change.sequence, found.request);
    const known = this.images.get(change.uuid)?.image ?? null;
    // The token of a conditional write: of two versions it is never the same.
    if (change.after !== null && known !== null && known['_updated'] === change.after['_updated']) {
      throw new Finding('wrong-log', 'a write left updatedAt as it was', { change });
    }
    if (!sameJson(known, change.before)) {
      throw new Finding('wrong-log', 'the image before a change is not the one after the change before', {
        change,
        known,
      });
    }
    if (found.uncertain) {
      this.rows.set(change.uuid, { ...found.row, uuid: change.uuid, version: change.version });
    }
    const { uuid, schema, version, before, after, actor } = change;
    const isNew = change.action === 'created' && found.restored !== true;
    const maker = isNew ? actor : (this.writers.get(uuid)?.created ?? null);
    if (after !== null) this.writers.set(uuid, { created: maker, updated: actor });
    if (after !== null) this.images.set(uuid, { schema, image: after });
    else this.images.delete(uuid);
    if (after === null && before !== null) {
      const elsewhere = (this.graves.get(uuid) ?? []).filter(
        (grave) => grave.image['_organisation'] !== before['_organisation'],
      );
      this.graves.set(uuid, [...elsewhere, { schema, image: before, version }]);
    }
    return found;
  }

  #settleRights(): void {
    for (const [key, told] of this.#toldRights) {
      const expected = this.#expectedRights.get(key);
      // What the oracle did not touch, such as the first administrator, is as it is.
      if (expected === undefined) continue;
      // One request may take several statements: what lies between is told too.
      let next = 0;
      for (const value of told) if (sameRight(value, expected[next])) next += 1;
      if (next === expected.length && sameRight(told.at(-1), expected.at(-1))) continue;
      throw new Finding('wrong-log', `the log tells other changes of ${key} than were made`, {
        told,
        expected,
      });
    }
    for (const [key, expected] of this.#expectedRights) {
      if (!this.#toldRights.has(key))
        throw new Finding('wrong-log', `${key} is not in the log`, { expected });
    }
    this.#toldRights.clear();
    this.#expectedRights.clear();
  }
}

/** A request is done whole or not at all, and all that came of it says so by one correlation id, which no other has. */
function settleRequests(
  requests: ReadonlyMap<number, readonly Change[]>,
  missing: readonly ExpectedChange[],
): void {
  const partly = missing.find(({ request }) => requests.has(request));
  if (partly !== undefined) {
    throw new Finding('wrong-log', 'a part of a request is not in the log', {
      done: requests.get(partly.request),
      missing: missing.filter(({ request }) => request === partly.request),
    });
  }
  const users = new Map<string, number>();
  for (const [request, changes] of requests) {
    for (const { correlationId, actor, uuid } of changes) {
      const own = changes[0]?.correlationId;
      const isAlone = correlationId === null || (users.get(correlationId) ?? request) === request;
      // Plain SQL says what it likes of its cause.
      const isSaid = correlationId !== null || actor?.id.startsWith('sql:') === true;
      if (correlationId === own && isAlone && isSaid) {
        if (correlationId !== null) users.set(correlationId, request);
        continue;
      }
      throw new Finding('wrong-log', `the correlation id of ${uuid} is not that of its request alone`, {
        changes,
      });
    }
  }
}

function describes({ action, row, actor, uncertain }: ExpectedChange, change: Change): boolean {
  // What was perhaps created has no known uuid; perhaps written, no known version.
  const isSame = uncertain
    ? row.uuid === change.uuid || (action === 'created' && row.schema === change.schema)
    : row.uuid === change.uuid && row.version === change.version;
  if (!isSame || action !== change.action || !isActor(change, actor)) return false;
  const image = change.action === 'deleted' ? change.before : change.after;
  if (image === null) return false;
  const properties = Object.fromEntries(Object.entries(image).filter(([name]) => !name.startsWith('_')));
  return (
    (image['_organisation'] ?? null) === row.organisation &&
    (image['_owner'] ?? null) === row.owner &&
    (action === 'deleted' || image['_version'] === change.version) &&
    sameJson(properties, row.properties)
  );
}

/** Plain SQL is done by whoever is logged in at the database. */
function isActor({ actor }: Change, expected: string): boolean {
  return expected === SQL_ACTOR ? actor?.id.startsWith('sql:') === true : actor?.id === expected;
}

function sameRight(a: RightsValue | undefined, b: RightsValue | undefined): boolean {
  return sameJson(sorted(a), sorted(b));
}

/** Memberships are a set. */
function sorted(value: RightsValue | undefined): unknown {
  if (value === undefined || !('groups' in value)) return value;
  return {
    ...value,
    organisations: [...value.organisations].sort(),
    groups: value.groups.map(({ organisation, group }) => `${organisation} ${group}`).sort(),
  };
}
