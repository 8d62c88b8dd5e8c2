/** Values that the examples of several operations share: one town, so that a reader meets the same things again. */
export const TOWN = '0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa';

export const ORGANISATION_EXAMPLE = { id: TOWN, slug: 'town-a', name: 'Town A', parent: null, version: 1 };

export const PRINCIPAL_EXAMPLE = {
  id: 'alice',
  name: 'Alice',
  admin: false,
  organisations: [TOWN],
  activeOrganisation: TOWN,
  groups: [{ organisation: TOWN, group: 'behandelaars' }],
  version: 2,
};

export const POLICY_EXAMPLE = {
  target: 'schema',
  id: '5d1c8f0a-93b2-4c0d-8a52-7f1f6a3c9b21',
  version: 1,
  authorization: {
    read: ['behandelaars', { group: 'public', match: { status: 'afgehandeld' } }],
    update: ['behandelaars'],
    delete: [],
  },
  properties: { melderEmail: { read: ['behandelaars'] } },
  roles: [],
};

export const REGISTER_EXAMPLE = {
  id: '3f6a1f5e-0c7b-4d3e-9f0e-2b8d7c6a5e41',
  slug: 'meldingen-register',
  title: 'Meldingen',
  description: 'Reports about public space',
  version: 1,
};

export const SCHEMA_EXAMPLE = {
  id: '5d1c8f0a-93b2-4c0d-8a52-7f1f6a3c9b21',
  slug: 'meldingen',
  register: 'meldingen-register',
  table: 'meldingen',
  title: 'Meldingen',
  description: '',
  properties: {
    titel: { type: 'string', maxLength: 200 },
    status: { type: 'string', enum: ['nieuw', 'in behandeling', 'afgehandeld'] },
  },
  required: ['titel'],
  version: 1,
};

/** A page that holds one example. */
export function pageExample(result: unknown): unknown {
  return { results: [result], total: 1, limit: 20, offset: 0 };
}
