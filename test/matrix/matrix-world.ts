import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { PARENT_OF, PEOPLE, PERSONAS, PLACES } from './people.ts';
import type { Person, Place } from './people.ts';
import { PROPERTY_FORMS } from './property-forms.ts';
import { REGISTERS } from './rights-table.ts';
import type { RegisterName, RuleForm, SampleRow } from './rights-table.ts';
import { ROW_FORMS } from './row-forms.ts';

export const FORMS: readonly RuleForm[] = [...ROW_FORMS, ...PROPERTY_FORMS];

/** What no answer may hold for who may not see the property `secret`. */
export const SECRET = 'geheim-7c1e';

const PROPERTIES = {
  note: { type: 'string' },
  level: { type: 'integer' },
  state: { type: 'string' },
  assignee: { type: 'string' },
  until: { type: 'string', format: 'date-time' },
};

/** A form as a schema. */
export interface FormSchema {
  readonly form: RuleForm;
  readonly id: string;
  readonly registerId: string;
  /** `{register}/{schema}`. */
  readonly collection: string;
  readonly table: string;
}

/** A row that was made for a cell. */
export interface MatrixRow {
  readonly schema: FormSchema;
  readonly row: SampleRow;
  readonly uuid: string;
}

/** Everybody and everything that the table speaks of, on a platform of its own. */
export class MatrixWorld {
  readonly platform: Platform;
  readonly schemas: FormSchema[] = [];
  readonly samples: MatrixRow[] = [];
  readonly organisations = new Map<Place, string>(PLACES.map((place) => [place, randomUUID()]));
  readonly #tokens = new Map<Person, string>();
  readonly #admin: Api;

  private constructor(platform: Platform) {
    this.platform = platform;
    this.#admin = createApi(platform.origin, platform.adminToken);
  }

  static async build(platform: Platform): Promise<MatrixWorld> {
    const world = new MatrixWorld(platform);
    await world.#createPeople();
    await world.#createSchemas();
    for (const schema of world.schemas) {
      for (const row of schema.form.rows) world.samples.push({ schema, row, uuid: randomUUID() });
    }
    return world;
  }

  token(person: Person): string | undefined {
    return this.#tokens.get(person);
  }

  /** The properties of a row; `@member` stands for the id of that person, which is its name. */
  propertiesOf({ form }: FormSchema, { values }: SampleRow): Record<string, unknown> {
    const named = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' && value.startsWith('@') ? value.slice(1) : value,
    ]);
    return { ...Object.fromEntries(named), ...(form.secret === undefined ? {} : { secret: SECRET }) };
  }

  /** Inserts rows with plain SQL, all in one statement: nobody's rights are asked for that. */
  async insert(rows: readonly MatrixRow[]): Promise<void> {
    const records = rows.map(({ schema, row, uuid }) => ({
      uuid,
      register_id: schema.registerId,
      schema_id: schema.id,
      organisation: row.place === null ? null : this.organisations.get(row.place),
      owner: 'owner',
      properties: this.propertiesOf(schema, row),
    }));
    await this.platform.sql(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       select uuid, register_id, schema_id, organisation, owner, properties from jsonb_to_recordset($1::jsonb)
         as r(uuid uuid, register_id uuid, schema_id uuid, organisation uuid, owner text, properties jsonb)`,
      [JSON.stringify(records)],
    );
  }

  async #createPeople(): Promise<void> {
    for (const place of PLACES) {
      const above = PARENT_OF[place];
      await this.#admin.send('POST', '/api/organisations', {
        id: this.organisations.get(place),
        slug: place,
        name: place,
        parent: above === undefined ? null : (this.organisations.get(above) ?? null),
      });
    }
    for (const person of PEOPLE) {
      const persona = PERSONAS[person];
      if (persona === undefined) continue;
      const organisations = persona.organisations.map((place) => this.organisations.get(place));
      await this.#admin.send('POST', '/api/principals', {
        id: person,
        name: person,
        organisations,
        activeOrganisation: organisations[0] ?? null,
        groups: persona.team.map((place) => ({ organisation: this.organisations.get(place), group: 'team' })),
      });
      this.#tokens.set(person, await this.#createToken(person));
    }
    this.#tokens.set('admin', this.platform.adminToken);
    const scopes = { topics: ['register/plain'], actions: ['read'] };
    this.#tokens.set('token', await this.#createToken('team', scopes));
  }

  async #createToken(principal: string, scopes?: object): Promise<string> {
    const body = { principal, name: 'matrix', ...(scopes === undefined ? {} : { scopes }) };
    return (await this.#admin.send<{ token: string }>('POST', '/api/auth/tokens', body)).token;
  }

  async #createSchemas(): Promise<void> {
    const registers = new Map<string, string>();
    for (const [slug, { rules, roles }] of Object.entries(REGISTERS)) {
      const register = { slug, title: slug, authorization: rules, roles };
      registers.set(slug, (await this.#admin.send<{ id: string }>('POST', '/api/registers', register)).id);
    }
    for (const [index, form] of FORMS.entries()) {
      const slug = `form-${index}`;
      const secret =
        form.secret === undefined ? {} : { secret: { type: 'string', authorization: form.secret } };
      const { id, table } = await this.#admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
        register: form.register,
        slug,
        title: form.name,
        authorization: form.rules,
        properties: { ...PROPERTIES, ...secret },
      });
      const registerId = registers.get(form.register satisfies RegisterName) ?? '';
      this.schemas.push({ form, id, registerId, collection: `${form.register}/${slug}`, table });
    }
  }
}
