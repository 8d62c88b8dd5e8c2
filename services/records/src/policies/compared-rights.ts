import { randomUUID } from 'node:crypto';
import { NEVER, canonical } from '@tidewire/condition';
import type {
  ObjectType,
  Organisation,
  PreviewPolicyRequest,
  PreviewProfile,
  Principal,
  Register,
} from '@tidewire/contract';
import { MAX_ANCESTORS, RightsView, decideAccess } from '@tidewire/policy';
import type { Decision } from '@tidewire/policy';
import type { Comparison, Passing, PropertyComparison } from './preview-source.ts';

/** A comparison of decisions on one schema, and all principals that it is about; null: anonymous readers. */
export interface ComparedRights {
  readonly schema: ObjectType;
  readonly register: Register;
  readonly comparison: Omit<Comparison, 'owners'>;
  readonly principals: (string | null)[];
}

/** The schemas that a policy governs or may govern, with their register; undefined when there is no such target. */
export function governedSchemas(
  view: RightsView,
  { target, id }: Pick<PreviewPolicyRequest, 'target' | 'id'>,
): { readonly register: Register; readonly schemas: readonly ObjectType[] } | undefined {
  const schema = target === 'schema' ? view.schema(id) : undefined;
  if (schema?.removed === true) return undefined;
  const register = view.register(schema?.register ?? id);
  if (register === undefined || register.removed || (target === 'schema' && schema === undefined))
    return undefined;
  return { register, schemas: schema === undefined ? view.schemas(register.id) : [schema] };
}

/** The rights as they would be with the policy. */
export function viewWithPolicy(view: RightsView, request: PreviewPolicyRequest): RightsView {
  const { target, id, authorization, properties, roles, profiles } = request;
  const governed = governedSchemas(view, request);
  if (governed === undefined) return new RightsView();
  const { register, schemas } = governed;
  const policies = [register, ...schemas].flatMap((owner) => view.policy(owner.id) ?? []);
  const version = (view.policy(id)?.version ?? 0) + 1;
  const changed = new RightsView();
  changed.loadState(
    [
      register,
      ...schemas,
      ...policies,
      ...organisationsOf(view, profiles),
      { kind: 'policy', target, id, version, authorization, properties, roles, removed: false },
    ],
    view.sequence,
  );
  return changed;
}

function organisationsOf(view: RightsView, profiles: readonly PreviewProfile[]): readonly Organisation[] {
  const found = new Map<string, Organisation>();
  for (const { activeOrganisation } of profiles) {
    let id = activeOrganisation;
    for (let distance = 0; id !== null && distance <= MAX_ANCESTORS; distance += 1) {
      const organisation = view.organisation(id);
      if (organisation === undefined) break;
      found.set(id, organisation);
      id = organisation.parent;
    }
  }
  return [...found.values()];
}

/**
 * What changes for the principals of a profile on one schema: one comparison for all of them where rules do not depend on
 * who they are, one for each otherwise. Those for whom nothing changes are in none.
 */
export function compareProfile(
  views: { readonly before: RightsView; readonly after: RightsView },
  profile: PreviewProfile,
  place: Pick<ComparedRights, 'schema' | 'register'>,
  action: PreviewPolicyRequest['action'],
): readonly ComparedRights[] {
  const compare = (id: string | null): Omit<Comparison, 'owners'> => {
    const principal = id === null ? null : principalOf(profile, id);
    const decide = (view: RightsView): Decision =>
      decideAccess({ view, principal, schema: place.schema.id, action });
    return comparisonOf(decide(views.before), decide(views.after), action);
  };
  const compared = (
    comparison: Omit<Comparison, 'owners'>,
    principals: (string | null)[],
  ): ComparedRights[] => (isDifferent(comparison) ? [{ ...place, comparison, principals }] : []);
  const { principals } = profile;
  if (principals.length > 1 && !principals.includes(null)) {
    // Two ids that no rule can name: where the decisions are the same, they are the same for everybody.
    const [one, other] = [compare(randomUUID()), compare(randomUUID())];
    if (comparisonKey(one) === comparisonKey(other)) return compared(one, [...principals]);
  }
  return principals.flatMap((id) => compared(compare(id), [id]));
}

/** Equal only for comparisons that select the same rows and properties. */
export function comparisonKey({ before, after, properties }: Omit<Comparison, 'owners'>): string {
  return JSON.stringify([
    ...[before, after].map(({ rows, own }) => [canonical(rows), canonical(own)]),
    ...properties.map((property) => [property.name, canonical(property.before), canonical(property.after)]),
  ]);
}

function isDifferent({ before, after, properties }: Omit<Comparison, 'owners'>): boolean {
  return (
    canonical(before.rows) !== canonical(after.rows) ||
    canonical(before.own) !== canonical(after.own) ||
    properties.length > 0
  );
}

function comparisonOf(
  before: Decision,
  after: Decision,
  action: PreviewPolicyRequest['action'],
): Omit<Comparison, 'owners'> {
  const rights = action === 'update' ? 'updates' : 'reads';
  const properties: PropertyComparison[] = [];
  if (before.allowed && after.allowed) {
    for (const [index, name] of after[rights].names.entries()) {
      const [old, given] = [before[rights].conditions[index], after[rights].conditions[index]];
      if (old === undefined || given === undefined || canonical(old) === canonical(given)) continue;
      properties.push({ name, before: old, after: given });
    }
  }
  return { before: passingOf(before), after: passingOf(after), properties };
}

function passingOf(decision: Decision): Passing {
  if (!decision.allowed) return { rows: NEVER, own: NEVER };
  return { rows: decision.rows, own: decision.ownerPasses ? decision.boundary : NEVER };
}

function principalOf({ activeOrganisation, groups }: PreviewProfile, id: string): Principal {
  return {
    kind: 'principal',
    id,
    name: id,
    admin: false,
    organisations: activeOrganisation === null ? [] : [activeOrganisation],
    activeOrganisation,
    groups,
    version: 1,
    removed: false,
  };
}
