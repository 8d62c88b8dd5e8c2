import type { Principal } from '@tidewire/contract';
import { decideAccess, viewClassKey } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import type { Sight } from './sight-repository-postgres.ts';

/** What a principal sees of some schemas, with all its rights. */
export function sightsOf(
  view: RightsView,
  principal: Principal,
  schemas: readonly string[],
): readonly Sight[] {
  return schemas.map((schema) => ({
    principal: principal.id,
    schema,
    digest: principal.removed ? '' : digestOf(view, principal, schema),
  }));
}

/** The schemas that there are, of one register or of all. */
export function schemaIds(view: RightsView, register?: string): readonly string[] {
  return view.schemas(register).map(({ id }) => id);
}

function digestOf(view: RightsView, principal: Principal, schema: string): string {
  const decision = decideAccess({ view, schema, action: 'read', principal, scopes: null });
  // What one owns may be read on every schema: that alone does not change.
  if (!decision.allowed || decision.rows.op === 'false') return '';
  return viewClassKey({ decision, face: 'registers', wire: 'push' });
}
