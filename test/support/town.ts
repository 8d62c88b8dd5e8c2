import { randomUUID } from 'node:crypto';
import { createApi } from './api.ts';
import type { Api } from './api.ts';

/** Two organisations, four people and one schema with rules at all three levels: what most tests need. */
export interface Town {
  readonly admin: Api;
  readonly organisations: { readonly a: string; readonly b: string };
  /** Tokens by name. `alice` handles cases of A, `bob` is a member of A, `carol` handles cases of B. */
  readonly tokens: {
    readonly admin: string;
    readonly alice: string;
    readonly bob: string;
    readonly carol: string;
  };
  /** `{register}/{schema}` of the cases. */
  readonly collection: string;
  readonly schemaId: string;
  /** The rules of the schema as created: put back by tests that change them. */
  readonly rules: unknown;
  readonly as: (name: 'admin' | 'alice' | 'bob' | 'carol') => Api;
}

const handlers = 'behandelaars';

const rules = {
  read: [handlers, { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
  create: ['authenticated'],
  update: [handlers],
  delete: [handlers],
};

/**
 * Builds a town of its own in a running platform, so that tests do not see each other's rows. Its schema is called `cases`, or
 * what begins so and no other town has: GraphQL's names come of the slug alone while it is the only one.
 */
export async function buildTown(
  base: string,
  adminToken: string,
  slugs: 'same' | 'unique' = 'same',
): Promise<Town> {
  const admin = createApi(base, adminToken);
  const suffix = randomUUID().slice(0, 8);
  const organisations = { a: randomUUID(), b: randomUUID() };
  for (const [name, id] of Object.entries(organisations)) {
    await admin.send('POST', '/api/organisations', {
      id,
      slug: `${name}-${suffix}`,
      name: `Gemeente ${name}`,
    });
  }
  const token = async (name: string, organisation: string, groups: readonly string[]): Promise<string> => {
    const id = `${name}-${suffix}`;
    await admin.send('POST', '/api/principals', {
      id,
      name,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: groups.map((group) => ({ organisation, group })),
    });
    const made = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
      principal: id,
      name: 'test',
    });
    return made.token;
  };
  const tokens = {
    admin: adminToken,
    alice: await token('alice', organisations.a, [handlers]),
    bob: await token('bob', organisations.a, []),
    carol: await token('carol', organisations.b, [handlers]),
  };
  const register = `town-${suffix}`;
  const slug = slugs === 'same' ? 'cases' : `cases-${suffix}`;
  await admin.send('POST', '/api/registers', { slug: register, title: 'Town' });
  const schema = await admin.send<{ id: string }>('POST', '/api/schemas', {
    register,
    slug,
    title: 'Cases',
    required: ['titel'],
    authorization: rules,
    properties: {
      titel: { type: 'string' },
      status: { type: 'string', enum: ['nieuw', 'in_behandeling', 'afgehandeld', 'vertrouwelijk'] },
      prioriteit: { type: 'integer', minimum: 1, maximum: 5 },
      melderEmail: { type: 'string', format: 'email', authorization: { read: [handlers] } },
    },
  });
  return {
    admin,
    organisations,
    tokens,
    collection: `${register}/${slug}`,
    schemaId: schema.id,
    rules,
    as: (name) => createApi(base, tokens[name]),
  };
}
