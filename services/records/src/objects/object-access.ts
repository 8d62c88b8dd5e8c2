import { TidewireError } from '@tidewire/contract';
import type { Action, Actor, ObjectType, Principal, Register, TableActor } from '@tidewire/contract';
import {
  decideAccess,
  hasField,
  isVisibleAt,
  projectFields,
  seesActor,
  visibleFields,
} from '@tidewire/policy';
import type { Decision, Granted, RightsView, WriteVerdict } from '@tidewire/policy';
import { formatPointer } from '@tidewire/service-kit';
import type { Turn } from '../rights/judgement.ts';
import type { DeletedObject } from './object-poll.ts';
import type { Place, StatementContext, StoredImage } from './object-repository.ts';

/** A schema and its register, as a request named them. */
export interface Target {
  readonly schema: ObjectType;
  readonly register: Register;
}

/** Where a request says that its objects are: a register and a schema by id or slug, or a table by its slug or schema id. */
export type Address = { readonly register: string; readonly schema: string } | { readonly table: string };

/** The schema that is named; undefined when there is none, or none any more. */
export function findTarget(view: RightsView, address: Address): Target | undefined {
  if ('table' in address) return findTable(view, address.table);
  const register = findRegister(view, address.register);
  if (register === undefined) return undefined;
  const schema = view
    .schemas(register.id)
    .find(({ id, slug }) => slug === address.schema || id === address.schema.toLowerCase());
  return schema === undefined ? undefined : { schema, register };
}

function findTable(view: RightsView, ref: string): Target | undefined {
  const byId = view.schema(ref.toLowerCase());
  const schema = byId === undefined || byId.removed ? view.schemaByTable(ref) : byId;
  const register = schema === undefined ? undefined : view.register(schema.register);
  return schema === undefined || register === undefined || register.removed
    ? undefined
    : { schema, register };
}

/** The register that an id or slug names. */
export function findRegister(view: RightsView, ref: string): Register | undefined {
  const byId = view.register(ref.toLowerCase());
  return byId !== undefined && !byId.removed ? byId : view.registerBySlug(ref);
}

/** What the caller may do with the schema's rows. `organisation` is an administrator's choice. */
export function decide(turn: Turn, target: Target, action: Action, organisation?: string): Decision {
  return decideAccess({
    view: turn.view,
    principal: turn.principal,
    schema: target.schema.id,
    action,
    scopes: turn.credential?.scopes ?? null,
    ...(organisation === undefined ? {} : { organisation }),
  });
}

/**
 * Whether the caller may know that the schema exists, and the names of its properties: when a rule lets it read or create
 * rows. Reading what one owns is not enough, because that is allowed on every schema.
 */
export function knowsOf(turn: Turn, target: Target): boolean {
  const read = decide(turn, target, 'read');
  return (read.allowed && read.rows.op !== 'false') || decide(turn, target, 'create').allowed;
}

/** What the statements of a request are told. */
export function contextOf(turn: Turn, target: Target): StatementContext {
  return { place: placeOf(target), concerned: turn.concerned, tenants: tenantsOf(turn), nowMs: turn.nowMs };
}

function tenantsOf({ view, principal }: Turn): readonly string[] | null {
  if (principal === null) return [];
  return principal.admin ? null : view.chainOf(principal);
}

function placeOf({ schema, register }: Target): Place {
  return { schema: schema.id, register: register.id, schemaSlug: schema.slug, registerSlug: register.slug };
}

/** An object as it is answered. */
export interface PresentedObject {
  readonly object: Record<string, unknown>;
  readonly version: number;
  readonly writers: Writers;
  /** Whether the reader may read a property of this row: one that it may not read and one without a value are both absent. */
  readonly mayRead: (property: string) => boolean;
  /** It is no longer there: `object` says only which one, and when it was deleted. */
  readonly deleted?: true;
}

/** Who created an object and who wrote it last, where the reader may know. */
export interface Writers {
  readonly createdBy?: TableActor;
  readonly updatedBy?: TableActor;
}

/** Who reads, and when. */
type Reading = Pick<Turn, 'principal' | 'nowMs'>;

/** An object as the reader sees it; undefined when it may not see it. */
export function presentObject(
  reading: Reading,
  read: Decision,
  image: StoredImage,
  fields?: ReadonlySet<string>,
): PresentedObject | undefined {
  if (!read.allowed || !isVisibleAt(read, image, reading.nowMs)) return undefined;
  return project(reading, read, image, fields);
}

/** An object that the statement has already found visible. */
export function project(
  { principal, nowMs }: Reading,
  read: Granted,
  image: StoredImage,
  fields?: ReadonlySet<string>,
): PresentedObject {
  const mask = visibleFields(read, image, nowMs);
  const projected = projectFields(read, image, mask);
  const object = Object.create(null) as Record<string, unknown>;
  object['id'] = image._uuid;
  for (const [name, value] of Object.entries(projected)) {
    if (fields === undefined || name.startsWith('_') || fields.has(name)) object[name] = value;
  }
  const { _version: version, _createdBy, _updatedBy } = image;
  const [createdBy, updatedBy] = [_createdBy, _updatedBy].map((actor) => writerSeen(principal, actor));
  const writers = {
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(updatedBy === undefined ? {} : { updatedBy }),
  };
  const { names } = read.reads;
  const mayRead = (property: string): boolean => {
    const index = names.indexOf(property);
    return index >= 0 && hasField(mask, index);
  };
  return { object, version, writers, mayRead };
}

/** A delete, told to who could see the object. */
export function presentDeleted({ uuid, version, updated }: DeletedObject): PresentedObject {
  const object = { id: uuid, _uuid: uuid, _version: version, _updated: updated, _deleted: true };
  return { object, version, writers: {}, mayRead: () => false, deleted: true };
}

function writerSeen(principal: Principal | null, actor: Actor | null | undefined): TableActor | undefined {
  if (actor === null || actor === undefined || !seesActor(principal, actor)) return undefined;
  return { id: actor.id, name: actor.name };
}

/** Whether an administrator acts, with a credential that limits nothing: a limited one has the rights it is limited to. */
export function isAdministrator({ principal, credential }: Turn): boolean {
  const { actions, topics } = credential?.scopes ?? {};
  return principal?.admin === true && actions === undefined && topics === undefined;
}

/** Absent and unreadable look the same; who is nobody is told to say who it is. */
export function notFound(turn: Turn): TidewireError {
  return turn.principal === null
    ? new TidewireError('UNAUTHORIZED', 'Send a credential: "Authorization: Bearer <token>" or a session.')
    : new TidewireError('NOT_FOUND', 'Not found.');
}

/** Readable, but not the caller's to change. */
export function forbidden(message = 'You may not do this.'): TidewireError {
  return new TidewireError('FORBIDDEN', message);
}

/** The refusal of a write by its after image. */
export function refusedWrite(verdict: Exclude<WriteVerdict, { ok: true }>): TidewireError {
  if (verdict.reason === 'row') return forbidden('You may not write an object with these values.');
  return new TidewireError('FORBIDDEN', 'You may not write some of these properties.', {
    errors: verdict.fields.map((name) => ({
      field: formatPointer([name]),
      message: 'may not be written by you',
    })),
  });
}
