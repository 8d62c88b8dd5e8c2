import { TidewireError } from '@tidewire/contract';
import type { FieldError, Issuer } from '@tidewire/contract';

/** Pointers of JSON (RFC 6901) write these two characters otherwise. */
function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * Requires that what an issuer maps lies within its organisations, and that those exist.
 *
 * @throws TidewireError VALIDATION_ERROR with a pointer to each fault.
 */
export function requireConsistentIssuer(
  issuer: Pick<Issuer, 'organisations' | 'claims'>,
  existing: ReadonlySet<string>,
): void {
  const { organisations, claims } = issuer;
  const allowed = new Set(organisations);
  const strange = 'is not one of the organisations of the issuer';
  const faults: FieldError[] = [
    ...organisations.flatMap((id, index) =>
      existing.has(id) ? [] : [{ field: `/organisations/${index}`, message: 'is no organisation' }],
    ),
    ...Object.entries(claims.organisation?.map ?? {}).flatMap(([value, id]) =>
      allowed.has(id) ? [] : [{ field: `/claims/organisation/map/${escape(value)}`, message: strange }],
    ),
    ...Object.entries(claims.groups?.map ?? {}).flatMap(([value, { organisation }]) =>
      allowed.has(organisation)
        ? []
        : [{ field: `/claims/groups/map/${escape(value)}/organisation`, message: strange }],
    ),
  ];
  const [first] = faults;
  if (first === undefined) return;
  throw new TidewireError('VALIDATION_ERROR', `${first.field.slice(1)} ${first.message}.`, {
    errors: faults.slice(0, 20),
  });
}
