import { mayListRow } from './evaluator.ts';
import { rowHasTurned, rowInView, sameJson } from './expectation.ts';
import type { Interest, Viewer } from './expectation.ts';
import { filterQuery } from './filter.ts';
import { Finding } from './finding.ts';
import type { History } from './history.ts';
import type { Model } from './model.ts';
import type { Image, Schema } from './rights.ts';
import type { Ticket } from './tickets.ts';

export interface PollerOptions {
  readonly name: string;
  readonly schema: Schema;
  readonly interest: Pick<Interest, 'filter' | 'fields'>;
  readonly ticket: () => Ticket;
  /** Whether its principal or its schema is no more. */
  readonly isOver: () => boolean;
}

/** What a round is judged against: what happened up to a quiet point. */
export interface PollScene {
  readonly base: string;
  readonly history: History;
  readonly model: Model;
  readonly position: number;
}

interface Page {
  readonly results: readonly Image[];
  readonly _next: string;
  readonly _more: boolean;
  readonly _resync?: unknown;
}

interface Round {
  readonly rows: readonly Image[];
  /** Told to forget what it has, or at the very beginning: everything comes. */
  readonly whole: boolean;
}

const PAGE = 7;
const BEGINNING = '1970-01-01T00:00:00Z';

/** A client that asks for what changed since its last round (`_updatedSince`), deletes included. */
export class Poller {
  readonly options: PollerOptions;
  /** The quiet point of its last round. */
  place = 0;
  rounds = 0;
  #next: string | undefined;
  #rows = new Map<string, Image>();

  constructor(options: PollerOptions) {
    this.options = options;
  }

  /** Polls to the end of a round and judges what came: no row too few or too many, each as it may be seen. */
  async poll(scene: PollScene): Promise<void> {
    const { history, model, position } = scene;
    const round = await this.#read(scene.base);
    if (round === undefined) {
      this.#next = undefined;
      this.#rows.clear();
    } else {
      if (round.whole) this.#rows.clear();
      for (const row of round.rows) this.#take(scene, row);
      this.#judgeChanges(scene, round);
      this.#judgeRows(history, model);
    }
    this.place = position;
    this.rounds += 1;
  }

  readonly isOver = (): boolean => this.options.isOver();

  get #viewer(): Viewer {
    const { schema, interest, ticket } = this.options;
    const { principal, credential } = ticket();
    const topics = [`register/${schema.register}/schema/${schema.slug}`];
    return { asker: { principal, credential }, interest: { ...interest, topics, events: undefined } };
  }

  async #read(base: string): Promise<Round | undefined> {
    const { schema, interest, ticket } = this.options;
    const rows: Image[] = [];
    let whole = this.#next === undefined;
    for (;;) {
      const url = new URL(`/api/objects/${schema.register}/${schema.slug}`, base);
      for (const [name, value] of filterQuery(interest.filter)) url.searchParams.append(name, value);
      if (interest.fields !== undefined) url.searchParams.set('_fields', [...interest.fields].join(','));
      url.searchParams.set('_updatedSince', this.#next ?? BEGINNING);
      url.searchParams.set('_includeDeleted', 'true');
      url.searchParams.set('_limit', String(PAGE));
      const answer = await fetch(url, { headers: ticket().headers });
      const body: unknown = await answer.json();
      if (answer.status === 400 || answer.status === 404) return undefined;
      if (answer.status !== 200)
        throw new Finding('loss', `${this.options.name} got ${answer.status}`, { body });
      const { results, _next, _more, _resync } = body as Page;
      if (_resync !== undefined) {
        whole = true;
        rows.length = 0;
      }
      rows.push(...results);
      this.#next = _next;
      if (!_more) return { rows, whole };
    }
  }

  #take({ history, model }: PollScene, row: Image): void {
    const uuid = String(row['id']);
    const { schema, name } = this.options;
    if (row['_deleted'] === true) {
      const grave = model.graves.get(uuid)?.find(({ version }) => version === row['_version']);
      const question = { rights: history.rights, asker: this.#viewer.asker, schema, now: Date.now() };
      if (grave?.schema !== schema || !mayListRow(question, grave.image)) {
        throw new Finding('leak', `${name} was told of the delete of a row that it could not see`, {
          row,
          grave,
        });
      }
      const members = Object.keys(row).sort().join();
      if (members !== '_deleted,_updated,_uuid,_version,id') {
        throw new Finding('leak', `${name} was told more of a delete than that`, { row });
      }
      this.#rows.delete(uuid);
      return;
    }
    const now = model.images.get(uuid);
    const seen = now === undefined ? undefined : rowInView(this.#viewer, history.rights, schema, now.image);
    const question = { rights: history.rights, asker: this.#viewer.asker, schema, now: Date.now() };
    if (!sameJson(seen, row) || now === undefined || !mayListRow(question, now.image)) {
      throw new Finding('leak', `${name} got a row that is not what it may see`, {
        row,
        seen,
        image: now?.image,
      });
    }
    this.#rows.set(uuid, row);
  }

  /** Exactly what changed since the last round, where it is not everything. */
  #judgeChanges({ history, model, position }: PollScene, { rows, whole }: Round): void {
    if (whole) return;
    const { schema, name } = this.options;
    const told = new Set(rows.map((row) => String(row['id'])));
    const changed = new Set(
      history
        .between(this.place, position)
        .filter((change) => change.schema === schema)
        .map(({ uuid }) => uuid),
    );
    const surplus = [...told].filter((uuid) => !changed.has(uuid));
    const question = { rights: history.rights, asker: this.#viewer.asker, schema, now: Date.now() };
    const missing = [...changed].filter((uuid) => {
      const grave = model.graves.get(uuid)?.at(-1);
      return (
        !told.has(uuid) && !model.images.has(uuid) && grave !== undefined && mayListRow(question, grave.image)
      );
    });
    if (surplus.length + missing.length === 0) return;
    throw new Finding('loss', `${name} was not told exactly what changed`, {
      surplus,
      missing,
      place: this.place,
    });
  }

  /** Rows that somebody wrote out of its view stay, as the protocol says; all that it may see it has as they are. */
  #judgeRows(history: History, model: Model): void {
    const { schema, name } = this.options;
    for (const [uuid, row] of model.images) {
      if (row.schema !== schema) continue;
      const seen = rowInView(this.#viewer, history.rights, schema, row.image);
      const question = { rights: history.rights, asker: this.#viewer.asker, schema, now: Date.now() };
      if (seen === undefined || sameJson(this.#rows.get(uuid), seen) || !mayListRow(question, row.image))
        continue;
      // What only time has shown does not come to those who ask what changed.
      if (rowHasTurned(schema, row.image, Date.parse(String(row.image['_updated'])), Date.now())) continue;
      throw new Finding('wrong-view', `${name} (${this.#viewer.asker.principal}) polled and has not`, {
        seen,
        has: this.#rows.get(uuid),
        credential: history.rights.credentials.get(this.#viewer.asker.credential ?? ''),
        policy: history.rights.policies.get(schema.id),
      });
    }
  }
}
