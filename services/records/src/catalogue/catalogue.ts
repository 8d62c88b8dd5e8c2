import { randomUUID } from 'node:crypto';
import { fieldTypesOf } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import type {
  NewRegister,
  NewSchema,
  ObjectType,
  Policy,
  Register,
  RegisterPatch,
  SchemaPatch,
  SetPolicyRequest,
} from '@tidewire/contract';
import { describeNames, ruledNames } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import { formatPointer } from '@tidewire/service-kit';
import type { Logger, PrincipalContext, Provenance } from '@tidewire/service-kit';
import { findRegister, forbidden, isAdministrator, knowsOf, notFound } from '../objects/object-access.ts';
import type { Judgement, Turn } from '../rights/judgement.ts';
import { TableTaken } from './catalogue-repository.ts';
import type { CatalogueRepository } from './catalogue-repository.ts';
import { presentRegister, presentSchema, splitProperties } from './definition.ts';
import type { PolicyClient } from './policy-client.ts';

export interface CatalogueOptions {
  readonly judgement: Judgement;
  readonly repository: CatalogueRepository;
  readonly policies: PolicyClient;
  readonly logger: Logger;
  /** Called after each commit: there are events to publish. */
  readonly onCommit: () => void;
}

/** Who changes the catalogue, and what the change is part of. */
export interface CatalogueRequest {
  readonly who: PrincipalContext;
  readonly correlationId: string;
  readonly traceparent: string;
}

type Presented = Record<string, unknown>;

/**
 * Registers and schemas. Administrators change them; others see those that hold something they may read, without the rules.
 * Rules are set at authz before the thing they belong to exists: what nobody has rules for denies everything.
 */
export class Catalogue {
  readonly #options: CatalogueOptions;

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  async listRegisters(who: PrincipalContext): Promise<Presented[]> {
    return await this.#options.judgement.judge(who, async (turn) =>
      turn.view
        .registers()
        .filter((register) => isReadable(turn, register))
        .toSorted(bySlug)
        .map((register) => presentRegister(register, policyFor(turn, register.id))),
    );
  }

  async getRegister(who: PrincipalContext, ref: string): Promise<Presented> {
    return await this.#options.judgement.judge(who, async (turn) => {
      const register = requireRegister(turn, ref);
      return presentRegister(register, policyFor(turn, register.id));
    });
  }

  async createRegister(request: CatalogueRequest, input: NewRegister): Promise<Presented> {
    const turn = await this.#admit(request);
    const id = randomUUID();
    const { slug, title = '', description = '', authorization = null, roles = [] } = input;
    if (turn.view.registerBySlug(slug) !== undefined) throw slugTaken();
    const rules: Rules = { target: 'register', id, authorization, properties: {}, roles };
    const policy = await this.#setPolicy(request, rules, []);
    const { repository } = this.#options;
    const register = await this.#orWithoutPolicy(request, rules, () =>
      repository.insertRegister(provenanceOf(request), { id, slug, title, description }),
    );
    return presentRegister(register, policy);
  }

  async patchRegister(request: CatalogueRequest, ref: string, patch: RegisterPatch): Promise<Presented> {
    const turn = await this.#admit(request);
    const { id, slug } = requireRegister(turn, ref);
    if (patch.slug !== undefined && patch.slug !== slug) throw unchangeable('slug');
    let policy = turn.view.policy(id);
    if (patch.authorization !== undefined || patch.roles !== undefined) {
      const { authorization = policy?.authorization ?? null, roles = policy?.roles ?? [] } = patch;
      policy = await this.#setPolicy(
        request,
        { target: 'register', id, authorization, properties: {}, roles },
        turn.view.schemas(id),
      );
    }
    const { title, description } = patch;
    const change = { title, description };
    const register = await this.#commit(() =>
      this.#options.repository.updateRegister(provenanceOf(request), id, change),
    );
    return presentRegister(register, policy);
  }

  async removeRegister(request: CatalogueRequest, ref: string): Promise<void> {
    const turn = await this.#admit(request);
    const register = requireRegister(turn, ref);
    const schemas = turn.view.schemas(register.id);
    await this.#commit(() =>
      this.#options.repository.updateRegister(provenanceOf(request), register.id, { removed: true }),
    );
    for (const schema of schemas) await this.#buryPolicy(request, turn.view, schema);
    await this.#buryPolicy(request, turn.view, register);
  }

  async listSchemas(who: PrincipalContext, registerRef: string | undefined): Promise<Presented[]> {
    return await this.#options.judgement.judge(who, async (turn) => {
      const register = registerRef === undefined ? undefined : requireRegister(turn, registerRef);
      return turn.view
        .schemas(register?.id)
        .filter((schema) => isSchemaReadable(turn, schema))
        .toSorted(bySlug)
        .map((schema) => present(turn, schema));
    });
  }

  async getSchema(who: PrincipalContext, ref: string): Promise<Presented> {
    return await this.#options.judgement.judge(who, async (turn) => present(turn, requireSchema(turn, ref)));
  }

  async createSchema(request: CatalogueRequest, input: NewSchema): Promise<Presented> {
    const turn = await this.#admit(request);
    const register = findRegister(turn.view, input.register);
    if (register === undefined) {
      throw invalid([{ field: '/register', message: 'is not the id or slug of a register' }]);
    }
    const { slug, title = '', description = '', required, authorization = null } = input;
    const { properties, rules } = splitProperties(input.properties);
    refuseUnknownRequired(required, properties);
    if (turn.view.schemaBySlug(register.slug, slug) !== undefined) throw slugTaken();
    const id = randomUUID();
    const sent: Rules = { target: 'schema', id, authorization, properties: mergeRules({}, rules), roles: [] };
    const policy = await this.#setPolicy(request, sent, [{ properties }]);
    const values = { id, register: register.id, slug, title, description, properties, required };
    const tables =
      input.table === undefined ? tableCandidates(turn.view, register.slug, slug) : [input.table];
    const schema = await this.#orWithoutPolicy(request, sent, async () => {
      for (const table of tables) {
        try {
          return await this.#options.repository.insertSchema(provenanceOf(request), { ...values, table });
        } catch (error) {
          if (!(error instanceof TableTaken)) throw error;
        }
      }
      throw new TidewireError(
        'SLUG_RESERVED',
        'The slug of the table is taken, or was used until recently.',
        {
          errors: [{ field: '/table', message: 'is taken, or was used until recently' }],
        },
      );
    });
    return presentSchema(schema, register, policy);
  }

  async patchSchema(request: CatalogueRequest, ref: string, patch: SchemaPatch): Promise<Presented> {
    const turn = await this.#admit(request);
    const before = requireSchema(turn, ref);
    const { id } = before;
    const register = turn.view.register(before.register);
    if (patch.slug !== undefined && patch.slug !== before.slug) throw unchangeable('slug');
    if (patch.table !== undefined && patch.table !== before.table) throw unchangeable('table');
    if (patch.register !== undefined && ![register?.slug, before.register].includes(patch.register)) {
      throw unchangeable('register');
    }
    const { properties, rules } = splitProperties(patch.properties ?? {});
    refuseChangedTypes(before, properties);
    const { title, description, required } = patch;
    if (required !== undefined) refuseUnknownRequired(required, { ...before.properties, ...properties });
    let policy = turn.view.policy(id);
    if (patch.authorization !== undefined || rules.size > 0) {
      const { authorization = policy?.authorization ?? null } = patch;
      const merged = mergeRules(policy?.properties ?? {}, rules);
      policy = await this.#setPolicy(
        request,
        { target: 'schema', id, authorization, properties: merged, roles: [] },
        [{ properties: { ...before.properties, ...properties } }],
      );
    }
    const change = {
      title,
      description,
      required,
      properties: patch.properties === undefined ? undefined : properties,
    };
    const schema = await this.#commit(() =>
      this.#options.repository.updateSchema(provenanceOf(request), id, change),
    );
    return presentSchema(schema, register, policy);
  }

  async removeSchema(request: CatalogueRequest, ref: string): Promise<void> {
    const turn = await this.#admit(request);
    const schema = requireSchema(turn, ref);
    await this.#commit(() =>
      this.#options.repository.updateSchema(provenanceOf(request), schema.id, { removed: true }),
    );
    await this.#buryPolicy(request, turn.view, schema);
  }

  /** Judges whether the caller is an administrator; what it sees of the catalogue is as new as that. */
  async #admit({ who }: CatalogueRequest): Promise<Turn> {
    return await this.#options.judgement.judge(who, async (turn) => {
      if (!isAdministrator(turn)) throw forbidden('Only administrators change registers and schemas.');
      return turn;
    });
  }

  /** Sets rules for schemas that have these properties; undefined: marks the rules of what is gone. */
  async #setPolicy(
    request: CatalogueRequest,
    rules: Rules,
    schemas: readonly Pick<ObjectType, 'properties'>[] | undefined,
  ): Promise<Policy> {
    const { who, correlationId, traceparent } = request;
    const policy = await this.#options.policies.set({
      principal: who.principal.id,
      correlationId,
      traceparent,
      removed: schemas === undefined,
      ...(schemas === undefined ? {} : { names: describeNames(schemas, ruledNames(rules)) }),
      ...rules,
    });
    return policy;
  }

  /** Does what the policy was set for; when that fails, the policy goes too. */
  async #orWithoutPolicy<Result>(
    request: CatalogueRequest,
    rules: Rules,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#commit(work);
    } catch (error) {
      await this.#setPolicy(request, rules, undefined).catch((cause: unknown) =>
        this.#options.logger.warn('policy of nothing was left behind', { id: rules.id, error: cause }),
      );
      throw error;
    }
  }

  async #commit<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = await work();
    this.#options.onCommit();
    return result;
  }

  /**
   * Marks the policy of what was deleted. It keeps the rules that held, also those that came from the register, so that a
   * replay of the deletes can still be judged.
   */
  async #buryPolicy(request: CatalogueRequest, view: RightsView, gone: Register | ObjectType): Promise<void> {
    const policy = view.policy(gone.id);
    if (policy === undefined) return;
    const inherited = gone.kind === 'schema' ? view.policy(gone.register) : undefined;
    const { target, id, properties } = policy;
    const authorization = policy.authorization ?? inherited?.authorization ?? null;
    try {
      await this.#setPolicy(
        request,
        { target, id, authorization, properties, roles: policy.roles },
        undefined,
      );
    } catch (error) {
      // It is deleted all the same: a policy of something that is gone allows nobody anything.
      this.#options.logger.warn('policy of something deleted could not be marked', { id, error });
    }
  }
}

type Rules = Pick<SetPolicyRequest, 'target' | 'id' | 'authorization' | 'properties' | 'roles'>;

function isReadable(turn: Turn, register: Register): boolean {
  if (isAdministrator(turn)) return true;
  return turn.view.schemas(register.id).some((schema) => isSchemaReadable(turn, schema));
}

function isSchemaReadable(turn: Turn, schema: ObjectType): boolean {
  const register = turn.view.register(schema.register);
  if (register === undefined || register.removed) return false;
  return isAdministrator(turn) || knowsOf(turn, { schema, register });
}

function requireRegister(turn: Turn, ref: string): Register {
  const register = findRegister(turn.view, ref);
  if (register === undefined || !isReadable(turn, register)) throw notFound(turn);
  return register;
}

/** By id, by the slug of its table, or by its slug where only one register has such a schema. */
function requireSchema(turn: Turn, ref: string): ObjectType {
  const readable = turn.view.schemas().filter((schema) => isSchemaReadable(turn, schema));
  const exact = readable.find(({ id, table }) => id === ref.toLowerCase() || table === ref);
  if (exact !== undefined) return exact;
  const [schema, ...others] = readable.filter(({ slug }) => slug === ref);
  if (schema === undefined) throw notFound(turn);
  if (others.length > 0)
    throw new TidewireError('BAD_REQUEST', 'Several registers have a schema of that slug: use its id.');
  return schema;
}

function policyFor(turn: Turn, id: string): Policy | undefined {
  return isAdministrator(turn) ? turn.view.policy(id) : undefined;
}

function present(turn: Turn, schema: ObjectType): Presented {
  return presentSchema(schema, turn.view.register(schema.register), policyFor(turn, schema.id));
}

function bySlug(a: { readonly slug: string }, b: { readonly slug: string }): number {
  return a.slug < b.slug ? -1 : 1;
}

function mergeRules(
  current: Policy['properties'],
  changes: ReadonlyMap<string, Policy['properties'][string] | null>,
): Policy['properties'] {
  const rules = new Map(Object.entries(current));
  for (const [name, rule] of changes) {
    if (rule === null) rules.delete(name);
    else rules.set(name, rule);
  }
  return Object.fromEntries(rules);
}

/** The schema's slug, with its register's in front when that is taken, then with a number. */
function tableCandidates(view: RightsView, register: string, slug: string): string[] {
  const long = `${register}-${slug}`.slice(0, 63);
  const numbered = [2, 3, 4].map((number) => `${long.slice(0, 61)}-${number}`);
  return [slug, long, ...numbered].filter((table) => view.schemaByTable(table) === undefined);
}

/** Filters, rules and stored objects count on a property's type. */
function refuseChangedTypes(schema: ObjectType, changed: ObjectType['properties']): void {
  const before = fieldTypesOf(schema.properties);
  const after = fieldTypesOf(changed);
  const errors = Object.keys(changed)
    .filter((name) => before(name) !== undefined && before(name) !== after(name))
    .map((name) => ({
      field: formatPointer(['properties', name]),
      message: `must stay ${String(before(name))}`,
    }));
  if (errors.length > 0) throw invalid(errors);
}

function refuseUnknownRequired(required: readonly string[], properties: ObjectType['properties']): void {
  const errors = required.flatMap((name, index) =>
    Object.hasOwn(properties, name)
      ? []
      : [{ field: `/required/${index}`, message: 'is not a property of this schema' }],
  );
  if (errors.length > 0) throw invalid(errors);
}

function unchangeable(member: string): TidewireError {
  return invalid([{ field: `/${member}`, message: 'never changes' }]);
}

function slugTaken(): TidewireError {
  return new TidewireError('SLUG_RESERVED', 'The slug is taken, or was used until recently.', {
    errors: [{ field: '/slug', message: 'is taken, or was used until recently' }],
  });
}

function invalid(errors: readonly { field: string; message: string }[]): TidewireError {
  return new TidewireError('VALIDATION_ERROR', 'The body is not valid.', { errors });
}

function provenanceOf({ who, correlationId, traceparent }: CatalogueRequest): Provenance {
  const { id, name, activeOrganisation } = who.principal;
  return { actor: { id, name, organisation: activeOrganisation }, correlationId, traceparent };
}
