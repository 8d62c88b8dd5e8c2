import { randomUUID } from 'node:crypto';
import { createCaller } from './caller.ts';
import type { Answer, Caller } from './caller.ts';
import type { Face, Findings, Place } from './findings.ts';
import { SECRET } from './matrix-world.ts';
import type { FormSchema, MatrixRow, MatrixWorld } from './matrix-world.ts';
import type { Person } from './people.ts';
import {
  expectedCreate,
  expectedGet,
  expectedList,
  expectedSight,
  expectedTopic,
  expectedWrite,
  shown,
} from './verdicts.ts';
import type { Watch } from './watch.ts';

export const FACES: readonly Face[] = ['registers', 'tables'];

interface Listed {
  readonly results?: readonly Row[];
  readonly records?: readonly Row[];
}
type Row = Readonly<Record<string, unknown>> & { readonly id: string };

interface Polled {
  readonly events?: readonly { readonly data: { readonly uuid: string } }[];
  readonly messages?: readonly { readonly recordId: string }[];
}

/** One person's questions to a world, whose answers are held against the table. */
export class Questions {
  readonly #world: MatrixWorld;
  readonly #person: Person;
  readonly #findings: Findings;
  readonly #records: Caller;
  readonly #gateway: Caller;

  constructor(world: MatrixWorld, person: Person, findings: Findings) {
    const token = world.token(person);
    this.#world = world;
    this.#person = person;
    this.#findings = findings;
    this.#records = createCaller(world.platform.records[0]?.url ?? '', token);
    this.#gateway = createCaller(world.platform.gateways[0]?.url ?? '', token);
  }

  /** Every row by its id, and every list. */
  async read(): Promise<void> {
    await this.#everywhere(async (schema, rows, face) => {
      for (const one of rows) {
        const answer = await this.#records('GET', `${pathOf(schema, face)}/${one.uuid}`);
        const seen = answer.status === 200 ? sightOf(this.#at(one), answer.text) : String(answer.status);
        const way = { action: 'read', face, transport: 'GET' };
        this.#findings.compare(this.#at(one), way, expectedGet(this.#at(one)), seen);
      }
      const query = face === 'registers' ? '_limit=1000' : 'limit=1000';
      await this.#list(schema, rows, face, { query, transport: 'GET of the list' });
    });
  }

  /** What changed since a time, as a list tells it; `gone`: the rows were deleted meanwhile. */
  async pollChanges(since: string, gone: boolean): Promise<void> {
    const transport = gone ? '_updatedSince, tombstones' : '_updatedSince';
    await this.#everywhere(async (schema, rows, face) => {
      const mark = face === 'registers' ? '_' : '';
      const query = `${mark}limit=1000&${mark}updatedSince=${since}&${mark}includeDeleted=${gone}`;
      await this.#list(schema, rows, face, { query, transport, gone });
    });
  }

  /** What a long poll of the schema's topic, and of its table, tells since a place in the log. */
  async pollEvents(cursor: string): Promise<void> {
    await this.#everywhere(async (schema, rows, face) => {
      const [register, slug] = schema.collection.split('/');
      const what =
        face === 'registers' ? `topic=register/${register}/schema/${slug}` : `table=${schema.table}`;
      const path = `/api/realtime/poll?${what}&lastEventId=${cursor}&timeoutMs=0&limit=1000`;
      const answer = await this.#gateway('GET', path);
      const { events = [], messages = [] } = answer.body as Polled;
      const texts = new Map<string, string>([
        ...events.map((event) => [event.data.uuid, JSON.stringify(event)] as const),
        ...messages.map((message) => [message.recordId, JSON.stringify(message)] as const),
      ]);
      const way = {
        action: 'read',
        face,
        transport: face === 'registers' ? 'poll of a topic' : 'poll of a table',
      };
      for (const one of rows) {
        const seen = this.#seenIn(one, answer, texts);
        this.#findings.compare(this.#at(one), way, expectedTopic(this.#at(one)), seen);
      }
    });
  }

  /** Changes every row, and gives its secret a value. */
  async update(): Promise<void> {
    await this.#everywhere(async (schema, rows, face) => {
      for (const one of rows) {
        const place = this.#at(one);
        const path = `${pathOf(schema, face)}/${one.uuid}`;
        const change = async (action: string, body: object): Promise<string> =>
          outcomeOf(await this.#records('PATCH', path, body), `${this.#person} ${action}`);
        const note = await change('update', { note: randomUUID() });
        const update = { action: 'update', face, transport: 'PATCH' };
        this.#findings.compare(place, update, expectedWrite(place, face, 'u'), note);
        if (schema.form.secret === undefined) continue;
        const secret = await change('update of secret', { secret: `${SECRET} ${randomUUID()}` });
        const way = { action: 'update of the secret', face, transport: 'PATCH' };
        this.#findings.compare(place, way, expectedWrite(place, face, 'u', 'w'), secret);
      }
    });
  }

  /** Creates a row like each, and one with a secret. All say that it is for `home`, which is an administrator's to say. */
  async create(): Promise<void> {
    await this.#everywhere(async (schema, rows, face) => {
      for (const one of rows) {
        const place = this.#at(one);
        const { secret, ...values } = this.#world.propertiesOf(schema, one.row);
        const post = async (body: object): Promise<string> => {
          const home = one.row.place === null ? null : this.#world.organisations.get(one.row.place);
          const answer = await this.#records('POST', pathOf(schema, face), { ...body, _organisation: home });
          return outcomeOf(answer, `${this.#person} create`);
        };
        const way = { action: 'create', face, transport: 'POST' };
        this.#findings.compare(place, way, expectedCreate(place, face, 'c'), await post(values));
        if (secret === undefined) continue;
        const withSecret = { ...way, action: 'create with a secret' };
        const expected = expectedCreate(place, face, 'c', 'w');
        this.#findings.compare(place, withSecret, expected, await post({ ...values, secret }));
      }
    });
  }

  /** Deletes rows that were made for nobody but this person and this face. */
  async remove(victims: ReadonlyMap<MatrixRow, string>, face: Face): Promise<void> {
    for (const [one, uuid] of victims) {
      const answer = await this.#records('DELETE', `${pathOf(one.schema, face)}/${uuid}`);
      const place = this.#at(one);
      const way = { action: 'delete', face, transport: 'DELETE' };
      this.#findings.compare(place, way, expectedWrite(place, face, 'd'), outcomeOf(answer, 'delete'));
    }
  }

  /** Everything that came on the person's stream: each row's creation, changes and deletion, or nothing of it. */
  watched(watch: Watch): void {
    const way = { action: 'read', face: 'registers', transport: 'stream' } as const;
    for (const one of this.#world.samples) {
      const place = this.#at(one);
      const names = new Set(watch.eventsOf(one.uuid));
      const whole = ['object.created', 'object.updated', 'object.deleted'];
      const sight = shown(place, watch.textOf(one.uuid).includes(SECRET));
      const seen = whole.every((name) => names.has(name)) ? sight : [...names].join(' ');
      const told = names.size === 0 ? 'nothing' : seen;
      this.#findings.compare(place, way, expectedSight(place, 'r', 'o'), told);
    }
  }

  async #list(
    schema: FormSchema,
    rows: readonly MatrixRow[],
    face: Face,
    asked: { readonly query: string; readonly transport: string; readonly gone?: boolean },
  ): Promise<void> {
    const { query, transport, gone = false } = asked;
    const answer = await this.#records('GET', `${pathOf(schema, face)}?${query}`);
    const { results, records } = answer.body as Listed;
    const texts = new Map((results ?? records ?? []).map((row) => [row.id, JSON.stringify(row)]));
    for (const one of rows) {
      const place = this.#at(one);
      const seen = this.#seenIn(one, answer, texts);
      const expected = expectedList(place);
      // Of a row that is gone only its id is told.
      const told = gone && expected.startsWith('shown') ? shown(place, false) : expected;
      this.#findings.compare(place, { action: 'list', face, transport }, told, seen);
    }
  }

  #seenIn(one: MatrixRow, answer: Answer, texts: ReadonlyMap<string, string>): string {
    if (answer.status !== 200) return String(answer.status);
    const text = texts.get(one.uuid);
    return text === undefined ? 'nothing' : sightOf(this.#at(one), text);
  }

  #at({ schema, row }: MatrixRow): Place {
    return { form: schema.form, row, person: this.#person };
  }

  /** Both faces side by side, one schema after another. */
  async #everywhere(
    ask: (schema: FormSchema, rows: readonly MatrixRow[], face: Face) => Promise<void>,
  ): Promise<void> {
    const { schemas, samples } = this.#world;
    const work = FACES.map(async (face) => {
      for (const schema of schemas) {
        const rows = samples.filter((one) => one.schema === schema);
        await ask(schema, rows, face);
      }
    });
    await Promise.all(work);
  }
}

function pathOf({ collection, table }: FormSchema, face: Face): string {
  return face === 'registers' ? `/api/objects/${collection}` : `/api/tables/${table}/records`;
}

function sightOf(place: Place, text: string): string {
  return shown(place, text.includes(SECRET));
}

/** What a write came to: `done`, or the status of its refusal. @throws when it is none that rights explain. */
function outcomeOf({ status, text }: Answer, what: string): string {
  if (status < 300) return 'done';
  if ([401, 403, 404].includes(status)) return String(status);
  throw new Error(`${what}: ${status} ${text}`);
}
