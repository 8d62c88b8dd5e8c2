import { OBJECT_LIMITS, TidewireError, isReservedPropertyName, uuidSchema } from '@tidewire/contract';
import { storageProblems } from './object-validator.ts';

/** An object as it was sent. */
export interface ObjectBody {
  /** Its properties; null where the client wants none. No prototype: `__proto__` is refused, `constructor` is a name. */
  readonly members: Readonly<Record<string, unknown>>;
  /** The version that the client read; the write happens only while the object still has it. */
  readonly version: number | undefined;
  /** `_updated` that the client read, epoch milliseconds: the condition of the tables face. */
  readonly updatedMs?: number | undefined;
  /** `_organisation` as sent; only administrators may choose one. */
  readonly organisation: string | null | undefined;
}

/**
 * Takes a body apart. What a GET returned may be sent back: `id` and members that begin with `_` are left out, except
 * the condition `_version`, and `_organisation`, which the caller may look at.
 *
 * @throws TidewireError VALIDATION_ERROR or PAYLOAD_TOO_LARGE.
 */
export function readObjectBody(body: unknown, ifMatch: string | undefined): ObjectBody {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new TidewireError('VALIDATION_ERROR', 'The body must be a JSON object.', {
      errors: [{ field: '', message: 'must be a JSON object' }],
    });
  }
  const members = Object.create(null) as Record<string, unknown>;
  const system = new Map<string, unknown>();
  for (const [name, value] of Object.entries(body)) {
    if (isReservedPropertyName(name)) system.set(name, value);
    else members[name] = value;
  }
  const problems = storageProblems(members);
  if (problems.length > 0) {
    throw new TidewireError('VALIDATION_ERROR', 'The object cannot be stored.', { errors: problems });
  }
  if (Buffer.byteLength(JSON.stringify(members)) > OBJECT_LIMITS.maxBytes) throw tooLarge();
  return {
    members,
    version: readVersion(system.get('_version'), ifMatch),
    organisation: readOrganisation(system),
  };
}

/** The refusal of an object that is too large, whoever notices it. */
export function tooLarge(): TidewireError {
  return new TidewireError(
    'PAYLOAD_TOO_LARGE',
    `An object has at most ${OBJECT_LIMITS.maxBytes} bytes of JSON.`,
  );
}

/** Reads the condition of a write: `If-Match: "3"` or the `ETag` of the object, which begins with its version, and `_version` of a body. Both must say the same. */
export function readVersion(member: unknown, ifMatch: string | undefined): number | undefined {
  const fromHeader = ifMatch === undefined || ifMatch.trim() === '*' ? undefined : parseEntityTag(ifMatch);
  if (member === undefined || member === null) return fromHeader;
  if (typeof member !== 'number' || !Number.isSafeInteger(member) || member < 1) {
    throw new TidewireError('VALIDATION_ERROR', 'The body is not valid.', {
      errors: [{ field: '/_version', message: 'must be the version that was read, a whole number from 1' }],
    });
  }
  if (fromHeader !== undefined && fromHeader !== member) {
    throw new TidewireError('BAD_REQUEST', 'If-Match and _version name different versions.');
  }
  return member;
}

function parseEntityTag(text: string): number {
  const version = /^\s*(?:W\/)?"?([1-9][0-9]{0,15})(?:-[\w-]{1,64})?"?\s*$/.exec(text)?.[1];
  if (version === undefined || !Number.isSafeInteger(Number(version))) {
    throw new TidewireError('BAD_REQUEST', 'If-Match takes the version that was read, such as "3".');
  }
  return Number(version);
}

function readOrganisation(system: ReadonlyMap<string, unknown>): string | null | undefined {
  const given = system.get('_organisation');
  if (given === undefined || given === null) return given;
  const parsed = uuidSchema.safeParse(given);
  // Only administrators are listened to, and the object would not be found where they think it is.
  return parsed.success ? parsed.data : '';
}
