import { TidewireError } from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import { isVisibleAt } from '@tidewire/policy';
import type { Decision, Granted, WriteVerdict } from '@tidewire/policy';
import type { Turn } from '../rights/judgement.ts';
import { forbidden, notFound, presentObject, refusedWrite } from './object-access.ts';
import type { PresentedObject, Target } from './object-access.ts';
import { ConcurrentChange } from './object-repository.ts';
import type { Precondition, StatementContext, StoredImage, WriteOutcome } from './object-repository.ts';
import type { ObjectChecks } from './object-validator.ts';

/** Where an object stands in the body of its request, as JSON pointers: what its refusals name. */
export interface BodyPlace {
  /** The row; empty where the body is one object. */
  readonly row: string;
  /** The object that its properties are members of. */
  readonly members: string;
}

/** One attempt to carry out a write: under the rights of one moment, on the rows of one schema. */
export interface WriteScope {
  readonly turn: Turn;
  readonly target: Target;
  readonly context: StatementContext;
  readonly checks: ObjectChecks;
  readonly placeOf: (index: number) => BodyPlace;
  /** Index by uuid of what the statements were given, for refusals of the database. */
  readonly written: Map<string, number>;
}

/** More faults than this are not listed: an answer must not be larger than the question. */
const MAX_ERRORS = 50;

/** The refusal of the object at an index, which it names where there are several. */
export function refusalAt(
  { placeOf }: Pick<WriteScope, 'placeOf'>,
  index: number,
  error: TidewireError,
): TidewireError {
  const place = placeOf(index);
  const errors = place.row === '' ? [] : [{ field: place.row, message: error.message }];
  return new TidewireError(error.code, error.message, {
    errors: error.errors.length === 0 ? errors : error.errors.map((fault) => faultIn(place, fault)),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    cause: error,
  });
}

/** What is wrong with an object's properties, seen from the body it stands in. */
export function faultIn({ members }: BodyPlace, { field, message }: FieldError): FieldError {
  return { field: `${members}${field}`, message };
}

/** @throws TidewireError VALIDATION_ERROR when there is anything. */
export function refuseInvalid(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  throw new TidewireError('VALIDATION_ERROR', 'The object is not valid.', {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

/** @throws the refusal, when a write may not become what it would be. */
export function requireAllowed(scope: WriteScope, index: number, verdict: WriteVerdict): void {
  if (!verdict.ok) throw refusalAt(scope, index, refusedWrite(verdict));
}

/** What a statement was told about one object, and by which rights. */
export interface Expectation extends Precondition {
  readonly index: number;
  readonly decision: Granted;
  readonly read: Decision;
}

/** Says why a statement did not write an object: absent and unreadable, then forbidden, then stale. */
export function requireWritten(scope: WriteScope, expected: Expectation, outcome: WriteOutcome): void {
  const refusal = outcome.written ? undefined : refusalOf(scope, expected, outcome);
  if (refusal !== undefined) throw refusalAt(scope, expected.index, refusal);
}

function refusalOf({ turn }: WriteScope, expected: Expectation, { before }: WriteOutcome): TidewireError {
  const { decision, read, version, updatedMs } = expected;
  if (before === null) return notFound(turn);
  if (!isVisibleAt(decision, before, turn.nowMs)) {
    return read.allowed && isVisibleAt(read, before, turn.nowMs) ? forbidden() : notFound(turn);
  }
  if (version !== undefined && before._version !== version) {
    return new TidewireError('STALE_VERSION', `The object has version ${before._version} by now.`);
  }
  if (updatedMs !== undefined && Date.parse(before._updated) !== updatedMs) return staleToken();
  // The statement looked at an older row than the one it then waited for.
  throw new ConcurrentChange();
}

/** The words are those of the tables contract: clients show them. */
export function staleToken(): TidewireError {
  return new TidewireError(
    'CONFLICT',
    'The record was modified after you last read it. Reload the latest version and retry.',
  );
}

/** What the writer may see of what it wrote; whoever may not read it learns its version and times. */
export function presentWritten({ turn }: WriteScope, read: Decision, after: StoredImage): PresentedObject {
  const presented = presentObject(turn, read, after);
  if (presented !== undefined) return presented;
  const { _uuid, _version, _created, _updated } = after;
  // Properties are looked up in it by names that clients chose.
  const object = Object.create(null) as Record<string, unknown>;
  return {
    object: Object.assign(object, { id: _uuid, _uuid, _version, _created, _updated }),
    version: _version,
    writers: {},
    mayRead: () => false,
  };
}
