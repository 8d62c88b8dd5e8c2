import type {
  Authorization,
  ObjectType,
  Organisation,
  Policy,
  Principal,
  RightsState,
} from '@tidewire/contract';
import { RightsView, decideAccess } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';

export const REGISTER = '10000000-0000-4000-8000-000000000001';
export const SCHEMA = '10000000-0000-4000-8000-000000000002';
export const ORGANISATION = '10000000-0000-4000-8000-00000000000a';
export const OTHER_ORGANISATION = '10000000-0000-4000-8000-00000000000b';

export const schemaState: ObjectType = {
  kind: 'schema',
  id: SCHEMA,
  slug: 'dingen',
  register: REGISTER,
  table: 'dingen',
  title: '',
  description: '',
  properties: {
    status: { type: 'string' },
    level: { type: 'number' },
    open: { type: 'boolean' },
    moment: { type: 'string', format: 'date-time' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: [],
  version: 1,
  removed: false,
};

/** What the rules of the one schema are in a test. */
export interface TestRules {
  readonly authorization?: Authorization;
  readonly properties?: Policy['properties'];
}

/** A view with one register and schema, and two organisations. */
export function viewWith({ authorization, properties = {} }: TestRules): RightsView {
  const policy = { kind: 'policy' as const, version: 1, roles: [], removed: false };
  const organisation = (id: string, slug: string): Organisation => ({
    kind: 'organisation',
    id,
    slug,
    name: slug,
    parent: null,
    version: 1,
    removed: false,
  });
  const states: RightsState[] = [
    organisation(ORGANISATION, 'own'),
    organisation(OTHER_ORGANISATION, 'other'),
    { kind: 'register', id: REGISTER, slug: 'zaken', title: '', description: '', version: 1, removed: false },
    schemaState,
    { ...policy, target: 'register', id: REGISTER, authorization: null, properties: {} },
    { ...policy, target: 'schema', id: SCHEMA, authorization: authorization ?? null, properties },
  ];
  const view = new RightsView();
  view.loadState(states, 1);
  return view;
}

/** A member of the first organisation, in these groups of it. */
export function member(id: string, groups: readonly string[] = []): Principal {
  return {
    kind: 'principal',
    id,
    name: id,
    admin: false,
    organisations: [ORGANISATION],
    activeOrganisation: ORGANISATION,
    groups: groups.map((group) => ({ organisation: ORGANISATION, group })),
    version: 1,
    removed: false,
  };
}

/** The decision, which the test expects to be a grant. */
export function grantOf(view: RightsView, principal: Principal, action: Granted['action']): Granted {
  const decision = decideAccess({ view, principal, schema: SCHEMA, action });
  if (!decision.allowed) throw new Error(`${principal.id} is denied ${action} altogether`);
  return decision;
}
