import { nameSchema } from '@tidewire/contract';
import type { GroupMembership, Issuer } from '@tidewire/contract';

/** What an issuer says of a subject, after its map: nothing else of the claims counts. */
export interface Placement {
  readonly name: string | undefined;
  readonly organisations: readonly string[];
  readonly groups: readonly GroupMembership[];
}

/** Values of one claim that are looked at: more than any map has entries. */
const MAX_VALUES = 2000;

/**
 * What the claims of a verified token give. An entry of the map that leads outside the issuer's organisations gives
 * nothing, however it came there.
 */
export function placeSubject(issuer: Issuer, claims: Readonly<Record<string, unknown>>): Placement {
  const { name, organisation, groups } = issuer.claims;
  const allowed = new Set(issuer.organisations);
  const given = mapped(claims, groups).filter((group) => allowed.has(group.organisation));
  const placed = organisation === undefined ? onlyOne(issuer.organisations) : mapped(claims, organisation);
  const organisations = [...placed, ...given.map((group) => group.organisation)];
  return {
    name: name === undefined ? undefined : nameSchema.safeParse(readClaim(claims, name)).data,
    organisations: [...new Set(organisations)].filter((id) => allowed.has(id)),
    groups: given,
  };
}

/** Where everybody belongs when no claim says so: there must be no choice. */
function onlyOne(organisations: readonly string[]): readonly string[] {
  return organisations.length === 1 ? organisations : [];
}

function mapped<Value>(
  claims: Readonly<Record<string, unknown>>,
  mapping: { readonly claim: string; readonly map: Readonly<Record<string, Value>> } | undefined,
): Value[] {
  if (mapping === undefined) return [];
  const map = new Map(Object.entries(mapping.map));
  const values = new Set(readTexts(readClaim(claims, mapping.claim)));
  return [...values].flatMap((value) => map.get(value) ?? []);
}

function readTexts(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.slice(0, MAX_VALUES).filter((text) => typeof text === 'string');
}

/** The member of that name or, for what begins with a slash, the one that the JSON pointer leads to. */
function readClaim(claims: Readonly<Record<string, unknown>>, claim: string): unknown {
  if (!claim.startsWith('/')) return memberOf(claims, claim);
  const steps = claim.slice(1).split('/');
  return steps
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, step) => memberOf(value, step), claims);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
