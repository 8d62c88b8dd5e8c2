import { TidewireError } from '@tidewire/contract';
import type { ErrorCode } from '@tidewire/contract';

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** Pointer to the member of the body that is at fault. */
  readonly field?: string;
}

/** What the database refuses, by constraint or by the SQLSTATE of our own triggers, and what the client hears. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ['organisation_slug', { code: 'SLUG_RESERVED', message: 'is taken', field: '/slug' }],
  ['organisations_pkey', { code: 'CONFLICT', message: 'is taken', field: '/id' }],
  [
    'principals_pkey',
    { code: 'CONFLICT', message: 'is taken, perhaps by a removed principal', field: '/id' },
  ],
  ['credential_hash', { code: 'CONFLICT', message: 'cannot be used', field: '/secret' }],
  ['organisation_parent', { code: 'VALIDATION_ERROR', message: 'is no organisation', field: '/parent' }],
  [
    'principal_active_organisation',
    {
      code: 'VALIDATION_ERROR',
      message: 'is not one of the organisations of the principal',
      field: '/activeOrganisation',
    },
  ],
  [
    'group_member',
    {
      code: 'VALIDATION_ERROR',
      message: 'holds a group of an organisation that the principal is no member of',
      field: '/groups',
    },
  ],
  [
    'TW001',
    { code: 'VALIDATION_ERROR', message: 'would put the organisation below itself', field: '/parent' },
  ],
  [
    'TW002',
    {
      code: 'VALIDATION_ERROR',
      message: 'would give an organisation more than 10 ancestors',
      field: '/parent',
    },
  ],
  [
    'TW003',
    { code: 'VALIDATION_ERROR', message: 'A principal has at most 100 organisations and 1000 groups' },
  ],
  ['issuer_slug', { code: 'SLUG_RESERVED', message: 'is or was the slug of an issuer', field: '/slug' }],
  ['issuer_url', { code: 'CONFLICT', message: 'is trusted already', field: '/issuer' }],
  ['identity_subject', { code: 'CONFLICT', message: 'is linked to another principal', field: '/subject' }],
  ['TW010', { code: 'CONFLICT', message: 'No issuer speaks for an administrator.' }],
  ['TW006', { code: 'NOT_FOUND', message: 'Not found.' }],
  ['TW007', { code: 'VALIDATION_ERROR', message: 'One of the organisations does not exist' }],
]);

/**
 * Runs a write; what the database refuses becomes an error that names the member at fault. Rules that must hold
 * whoever writes are kept by the database alone, so nothing can change between a check of ours and the write.
 */
export async function withRefusals<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    throw translateRefusal(error);
  }
}

function translateRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, constraint } = error as Error & { code?: unknown; constraint?: unknown };
  const refusal = REFUSALS.get(String(constraint)) ?? REFUSALS.get(String(code));
  if (refusal === undefined) return error;
  const { field, message } = refusal;
  if (field === undefined) return new TidewireError(refusal.code, message, { cause: error });
  return new TidewireError(refusal.code, `${field.slice(1)} ${message}.`, {
    errors: [{ field, message }],
    cause: error,
  });
}
