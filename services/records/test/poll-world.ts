import { randomUUID } from 'node:crypto';
import { ALWAYS } from '@tidewire/condition';
import type { Granted } from '@tidewire/policy';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { readChanges, parsePollStart } from '../src/objects/object-poll.ts';
import type { PollPage, PollRequest } from '../src/objects/object-poll.ts';
import { createObjectRepository } from '../src/objects/object-repository-postgres.ts';
import type { ObjectRepository, StatementContext } from '../src/objects/object-repository.ts';
import type { Turn } from '../src/rights/judgement.ts';
import { openTestDatabase } from './database.ts';
import type { RecordsTestDatabase } from './database.ts';
import { ORGANISATION, REGISTER, SCHEMA, grantOf, member, viewWith } from './rights.ts';

/** Older than everything. */
export const BEGINNING = '1970-01-01T00:00:00Z';

/** The request that tests make. */
export const context: StatementContext = {
  place: { register: REGISTER, schema: SCHEMA, registerSlug: 'zaken', schemaSlug: 'dingen' },
  concerned: ['alice'],
  tenants: null,
  nowMs: Date.parse('2026-03-01T12:00:00Z'),
};

/** Alice, who may see all that her organisation has. */
export const alice = member('alice');
export const everything = grantOf(viewWith({}), alice, 'list');

/** A turn whose rights are always the newest. */
const turn = { confirm: async () => undefined } as unknown as Turn;

type Client = pg.Pool | pg.PoolClient;

interface NewRow {
  readonly uuid?: string;
  readonly status?: string;
  readonly organisation?: string;
  readonly owner?: string;
  readonly client?: Client;
}

/** A schema with objects in a database, and somebody who polls it. */
export interface PollWorld {
  readonly database: RecordsTestDatabase;
  readonly repository: ObjectRepository;
  readonly insert: (row?: NewRow) => Promise<string>;
  readonly update: (uuid: string, status?: string, client?: Client) => Promise<void>;
  readonly remove: (uuid: string, client?: Client) => Promise<void>;
  readonly poll: (since: string, given?: Partial<PollRequest>) => Promise<PollPage>;
  /** Versions by uuid, as a plain list has them. */
  readonly listed: (decision?: Granted) => Promise<Map<string, number>>;
}

/** For one test file: a database of its own, and no objects when a test begins. */
export function usePollWorld(): PollWorld {
  let database: RecordsTestDatabase;
  let repository: ObjectRepository;
  beforeAll(async () => {
    database = await openTestDatabase();
    repository = createObjectRepository(database.records);
    await database.records.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [REGISTER]);
    await database.records.query(
      `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'dingen', 'dingen')`,
      [SCHEMA, REGISTER],
    );
  });
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(async () => {
    await database.owner.query('delete from records.objects');
    await database.owner.query('delete from records.tombstones');
  });
  return {
    get database() {
      return database;
    },
    get repository() {
      return repository;
    },
    async insert({
      uuid = randomUUID(),
      status = 'a',
      organisation = ORGANISATION,
      owner = 'bob',
      client,
    } = {}) {
      await (client ?? database.records).query(
        `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
         values ($1, $2, $3, $4, $5, $6)`,
        [uuid, REGISTER, SCHEMA, organisation, owner, JSON.stringify({ status })],
      );
      return uuid;
    },
    async update(uuid, status = 'b', client = database.records) {
      const properties = JSON.stringify({ status });
      await client.query(`update records.objects set properties = $2 where uuid = $1`, [uuid, properties]);
    },
    async remove(uuid, client = database.records) {
      await client.query('delete from records.objects where uuid = $1', [uuid]);
    },
    poll: (since, given = {}) =>
      readChanges(repository, turn, context, {
        decision: everything,
        filter: ALWAYS,
        search: undefined,
        limit: 100,
        maxBytes: 1e8,
        includeDeleted: true,
        since: parsePollStart(since, '_updatedSince'),
        ...given,
      }),
    async listed(decision = everything) {
      const query = {
        decision,
        filter: ALWAYS,
        search: undefined,
        order: [],
        limit: 1000,
        offset: 0,
        maxBytes: 1e8,
      };
      const { images } = await repository.list(context, query);
      return new Map((images ?? []).map(({ _uuid, _version }) => [_uuid, _version]));
    },
  };
}

/** What somebody has who does what polls say. */
export class Poller {
  readonly objects = new Map<string, number>();
  readonly resyncs: string[] = [];
  readonly #world: PollWorld;
  cursor = BEGINNING;

  constructor(world: PollWorld) {
    this.#world = world;
  }

  /** Takes one page; whether there is more. */
  async take(given: Partial<PollRequest> = {}): Promise<boolean> {
    const page = await this.#world.poll(this.cursor, given);
    if (page.resync !== undefined) {
      this.resyncs.push(page.resync);
      this.objects.clear();
    }
    for (const row of page.rows) {
      if (row.deleted) this.objects.delete(row.uuid);
      else this.objects.set(row.image._uuid, row.image._version);
    }
    this.cursor = page.next;
    return page.more;
  }

  /** One round: pages until there is no more. */
  async round(given: Partial<PollRequest> = {}): Promise<void> {
    while (await this.take(given));
  }
}
