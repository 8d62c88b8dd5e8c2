import type {
  Authorization,
  Credential,
  LogMessage,
  ObjectType,
  Organisation,
  Policy,
  Principal,
  Property,
  PropertyAuthorization,
  Register,
  RightsState,
  Role,
  Scopes,
} from '@tidewire/contract';
import { RightsView } from '../src/rights-view.ts';

/** The same uuid for the same small number, so that tests can name what they mean. */
export function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

export const REGISTER = id(1);
export const SCHEMA = id(2);
export const ORG_A = id(10);
export const ORG_B = id(11);
/** Below A. */
export const CHILD = id(20);

export function organisation(uuid: string, parent: string | null = null, version = 1): Organisation {
  return {
    kind: 'organisation',
    id: uuid,
    slug: `o-${uuid.slice(-4)}`,
    name: uuid,
    parent,
    version,
    removed: false,
  };
}

export function register(version = 1): Register {
  const text = { slug: 'zaken', title: 'Zaken', description: '' };
  return { kind: 'register', id: REGISTER, ...text, version, removed: false };
}

export function schema(properties: Record<string, Property>, version = 1): ObjectType {
  return {
    kind: 'schema',
    id: SCHEMA,
    slug: 'meldingen',
    register: REGISTER,
    table: 'meldingen',
    title: 'Meldingen',
    description: '',
    properties,
    required: [],
    version,
    removed: false,
  };
}

interface PolicyParts {
  authorization?: Authorization | null;
  properties?: Record<string, PropertyAuthorization>;
  roles?: Role[];
  version?: number;
  removed?: boolean;
}

export function policy(target: 'register' | 'schema', parts: PolicyParts = {}): Policy {
  const { authorization = null, properties = {}, roles = [], version = 1, removed = false } = parts;
  const uuid = target === 'register' ? REGISTER : SCHEMA;
  return { kind: 'policy', target, id: uuid, version, authorization, properties, roles, removed };
}

/**
 * A view of organisation A with a child, of B beside it, and of one schema with these properties and rules; the register
 * has its policy too, without rules unless given.
 */
export function governedView(
  properties: Record<string, Property>,
  rules: PolicyParts = {},
  registerRules: PolicyParts = {},
): RightsView {
  const view = new RightsView();
  view.loadState(
    [
      organisation(ORG_A),
      organisation(ORG_B),
      organisation(CHILD, ORG_A),
      register(),
      schema(properties),
      policy('register', registerRules),
      policy('schema', rules),
    ],
    1,
  );
  return view;
}

/** A principal of one organisation, with groups there. */
export function principal(name: string, home: string | null, groups: string[] = [], version = 1): Principal {
  return {
    kind: 'principal',
    id: name,
    name,
    admin: false,
    organisations: home === null ? [] : [home],
    activeOrganisation: home,
    groups: home === null ? [] : groups.map((group) => ({ organisation: home, group })),
    version,
    removed: false,
  };
}

export function credential(
  number: number,
  owner: string,
  scopes: Scopes | null = null,
  version = 1,
): Credential {
  const ends = { expiresAt: null, endedAt: null };
  return { kind: 'credential', id: id(number), type: 'token', principal: owner, scopes, ...ends, version };
}

export function rightsMessage(state: RightsState): LogMessage {
  const provenance = { actor: null, correlationId: null, traceparent: null };
  return { kind: 'rights', time: '2026-03-01T12:00:00.000Z', ...provenance, state };
}

/** A stored object; unlike on the wire, members can be left out by giving undefined. */
export function row(members: Record<string, unknown>): Record<string, unknown> {
  return {
    _uuid: id(1000),
    _register: 'zaken',
    _schema: 'meldingen',
    _organisation: ORG_A,
    _owner: null,
    _version: 1,
    _created: '2026-03-01T12:00:00.000Z',
    _updated: '2026-03-01T12:00:00.000Z',
    ...members,
  };
}
