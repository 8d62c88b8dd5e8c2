import { randomUUID } from 'node:crypto';
import type { Random } from './random.ts';
import { GROUPS, PROPERTY_KINDS } from './rules-generator.ts';
import type { Policy, PropertyKind, Schema } from './rights.ts';
import { giveToken } from './tickets.ts';
import type { World } from './world.ts';

/** Somebody new, in some organisations and groups, with a token. */
export async function createPrincipal(world: World, random: Random): Promise<string> {
  const id = `person-${randomUUID().slice(0, 8)}`;
  const active = world.anOrganisation(random);
  const organisations = [
    active,
    ...random.some(world.organisations, 0.4).filter((other) => other !== active),
  ];
  const groups = organisations.flatMap((organisation) =>
    random.some(GROUPS, 0.4).map((group) => ({ organisation, group })),
  );
  const name = `Name of ${id}`;
  const body = { id, name, organisations, activeOrganisation: active, groups };
  await world.act('POST', '/api/principals', body);
  world.model.granted(`principal/${id}`, { id, name, admin: false, organisations, active, groups });
  await giveToken(world, id, null);
  return id;
}

/** Somebody goes for good, with all credentials; somebody else comes in that place. */
export async function replacePrincipal(world: World, random: Random): Promise<string> {
  const index = random.below(world.people.length);
  const id = world.people[index] ?? '';
  await world.act('DELETE', `/api/principals/${id}`);
  for (const credential of world.model.rights.credentials.values()) {
    if (credential.principal !== id || credential.ended) continue;
    world.model.granted(`credential/${credential.id}`, { ...credential, ended: true });
  }
  world.model.granted(`principal/${id}`, { id, removed: true });
  world.people[index] = await createPrincipal(world, random);
  return `${id} is removed, ${world.people[index]} comes`;
}

const TYPES: Readonly<Record<PropertyKind, object>> = {
  string: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  instant: { type: 'string', format: 'date-time' },
  list: { type: 'array', items: { type: 'string' } },
};

/** The register of a schema. */
export type Register = Pick<Schema, 'registerId' | 'register'>;

export async function createRegister(world: World, random: Random, slug: string): Promise<Register> {
  const policy: Policy = {
    authorization: world.generator.rules(random) ?? {},
    properties: {},
    roles: world.generator.roles(random),
  };
  const { authorization, roles } = policy;
  const { id } = await world.admin.send<{ id: string }>('POST', '/api/registers', {
    slug,
    title: slug,
    authorization,
    roles,
  });
  world.model.granted(`policy/${id}`, policy);
  return { registerId: id, register: slug };
}

export async function createSchema(
  world: World,
  random: Random,
  register: Register,
  slug: string,
): Promise<Schema> {
  const policy = world.generator.policy(random);
  const { id, table } = await world.admin.send<{ id: string; table: string }>('POST', '/api/schemas', {
    register: register.register,
    slug,
    title: slug,
    authorization: policy.authorization,
    properties: definitions(policy, slug),
  });
  const schema = { ...register, id, slug, table, properties: new Map(Object.entries(PROPERTY_KINDS)) };
  world.model.granted(`policy/${id}`, policy);
  world.known.set(id, schema);
  return schema;
}

/** A schema goes with all of its rows, each of which is told as a delete; another one comes into its register. */
export async function replaceSchema(world: World, random: Random): Promise<string> {
  const schema = random.pick(world.schemas);
  const rows = [...world.model.rows.values()].filter((row) => row.exists && row.schema === schema);
  const isKnown =
    rows.every(({ uuid }) => !world.model.uncertain.has(uuid)) && world.model.uncertain.size === 0;
  if (!isKnown || world.troubled) return 'no schema goes';
  await world.admin.send('DELETE', `/api/schemas/${schema.id}`);
  world.model.wrote(
    rows.map((row) => ({
      action: 'deleted',
      actor: world.adminId,
      row: { ...row, version: row.version + 1, exists: false, restorable: false },
    })),
  );
  // Its rules stay as they were, those of its register among them, to judge its last deletes.
  const { policies } = world.model.rights;
  const policy = policies.get(schema.id) ?? { authorization: null, properties: {}, roles: [] };
  const authorization = policy.authorization ?? policies.get(schema.registerId)?.authorization ?? null;
  world.model.granted(`policy/${schema.id}`, { ...policy, authorization });
  for (const row of world.model.rows.values()) {
    if (row.schema === schema && !row.exists) world.model.rows.delete(row.uuid);
  }
  const [kind] = schema.slug.split('-');
  const slug = `${kind}-${world.known.size}-${world.suffix}`;
  const next = await createSchema(world, random, schema, slug);
  world.schemas.splice(world.schemas.indexOf(schema), 1, next);
  return `schema ${schema.slug} is removed, ${next.slug} comes`;
}

function definitions(policy: Policy, slug: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(PROPERTY_KINDS).map(([name, kind]) => {
      const type = name === 'parent' ? { type: 'string', format: 'uuid', relation: slug } : TYPES[kind];
      const rules = Object.hasOwn(policy.properties, name) ? policy.properties[name] : undefined;
      return [name, rules === undefined ? type : { ...type, authorization: rules }];
    }),
  );
}
