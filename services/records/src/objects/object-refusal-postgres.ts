import { OBJECT_LIMITS, TidewireError } from '@tidewire/contract';
import { tooLarge } from './object-body.ts';
import { ConcurrentChange, RefusedObject } from './object-repository.ts';

interface DatabaseError {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly detail?: unknown;
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';

/** Whether the same transaction may succeed when it is begun again. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ConcurrentChange) return true;
  const { code, constraint } = error instanceof Error ? (error as DatabaseError) : {};
  // Uuids are the service's own: somebody restored the same object in the same moment, or plain SQL created it.
  return code === SERIALIZATION_FAILURE || code === DEADLOCK || constraint === 'objects_pkey';
}

/** What a constraint of `records.objects` says to a client; undefined when the error is none of these. */
export function refusalOf(error: unknown): TidewireError | undefined {
  const refusal = refusalOfObject(error);
  const { detail } = error instanceof Error ? (error as DatabaseError) : {};
  // "Failing row contains (…": the uuid is the first column.
  const uuid = /\(([0-9a-f-]{36}),/.exec(typeof detail === 'string' ? detail : '')?.[1];
  return refusal === undefined || uuid === undefined ? refusal : new RefusedObject(uuid, refusal);
}

function refusalOfObject(error: unknown): TidewireError | undefined {
  if (!(error instanceof Error) || error instanceof TidewireError) return undefined;
  if (isRetryable(error)) {
    return new TidewireError(
      'SERVICE_UNAVAILABLE',
      'Too many others write this object at the moment; try again.',
      {
        retryAfterSeconds: 1,
        cause: error,
      },
    );
  }
  switch ((error as DatabaseError).constraint) {
    case 'object_properties_size':
      return tooLarge();
    case 'object_properties_depth':
      return invalid(`is nested deeper than ${OBJECT_LIMITS.maxDepth}`);
    case 'object_numbers_safe':
      return invalid(`has a number outside ±${OBJECT_LIMITS.maxInteger}`);
    case 'object_schema_exists':
      return new TidewireError('NOT_FOUND', 'Not found.');
    default:
      return undefined;
  }
}

function invalid(message: string): TidewireError {
  return new TidewireError('VALIDATION_ERROR', 'The object cannot be stored.', {
    errors: [{ field: '', message }],
  });
}
