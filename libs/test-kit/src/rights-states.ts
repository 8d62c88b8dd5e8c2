import { randomUUID } from 'node:crypto';
import type {
  Authorization,
  Credential,
  ObjectType,
  Organisation,
  Policy,
  Principal,
  Register,
} from '@tidewire/contract';

/** Somebody with a token of theirs. */
export interface Person {
  readonly principal: Principal;
  readonly credential: Credential;
}

export function organisation(slug: string, parent: string | null = null): Organisation {
  return { kind: 'organisation', id: randomUUID(), slug, name: slug, parent, version: 1, removed: false };
}

export function register(slug: string): Register {
  return {
    kind: 'register',
    id: randomUUID(),
    slug,
    title: slug,
    description: '',
    version: 1,
    removed: false,
  };
}

export function schemaOf(owner: Register, slug: string): ObjectType {
  return {
    kind: 'schema',
    id: randomUUID(),
    slug,
    register: owner.id,
    table: `${owner.slug}-${slug}`,
    title: slug,
    description: '',
    properties: {
      titel: { type: 'string' },
      status: { type: 'string' },
      bedrag: { type: 'integer' },
      geheim: { type: 'string' },
      zichtbaarTot: { type: 'string', format: 'date-time' },
    },
    required: [],
    version: 1,
    removed: false,
  };
}

export function policyOf(
  target: 'register' | 'schema',
  id: string,
  authorization: Authorization | null,
  properties: Policy['properties'] = {},
): Policy {
  return { kind: 'policy', target, id, version: 1, authorization, properties, roles: [], removed: false };
}

export function person(id: string, of: Organisation, groups: readonly string[], admin = false): Person {
  return {
    principal: {
      kind: 'principal',
      id,
      name: id,
      admin,
      organisations: [of.id],
      activeOrganisation: of.id,
      groups: groups.map((group) => ({ organisation: of.id, group })),
      version: 1,
      removed: false,
    },
    credential: credentialOf(id),
  };
}

export function credentialOf(principal: string): Credential {
  return {
    kind: 'credential',
    id: randomUUID(),
    type: 'token',
    principal,
    scopes: null,
    expiresAt: null,
    endedAt: null,
    version: 1,
  };
}
