import { TidewireError } from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import type { z } from 'zod';

const MAX_ERRORS = 50;

/**
 * What is wrong with a value, as JSON pointers and texts for people. `field` of the value as a whole is the empty
 * string. At most 50, so that a hostile body does not get an answer larger than itself. No text repeats a value.
 */
export function fieldErrors(error: z.core.$ZodError): FieldError[] {
  return error.issues.flatMap(issueErrors).slice(0, MAX_ERRORS);
}

/** Formats a path as a JSON pointer (RFC 6901): `/rules/0/group`. */
export function formatPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Parses with a schema.
 *
 * @throws TidewireError VALIDATION_ERROR with a pointer per fault.
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidInput(result.error, what);
  return result.data;
}

/** The parts of a request whose members are parameters, as Fastify names them and as people do. */
const PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['params', 'path parameter'],
  ['querystring', 'query parameter'],
  ['headers', 'header'],
]);

/** The refusal of a part of a request (`body`, `params`, `querystring`, `headers`); names the first wrong parameter. */
export function invalidPart(error: z.core.$ZodError, part: string): TidewireError {
  const kind = PARAMETERS.get(part);
  if (kind === undefined) return invalidInput(error, part);
  const [first] = fieldErrors(error);
  const name = first?.field.split('/')[1] ?? '';
  return invalidInput(error, name === '' ? kind : `${kind} '${name}'`);
}

/** The refusal of an input that does not fit its schema; `what` names it: "body", "query". */
export function invalidInput(error: z.core.$ZodError, what: string): TidewireError {
  return new TidewireError('VALIDATION_ERROR', `The ${what} is not valid.`, { errors: fieldErrors(error) });
}

function issueErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: formatPointer([...issue.path, key]),
      message: 'is not a known member',
    }));
  }
  const nested = issue.code === 'invalid_union' ? nearestAlternative(issue.errors) : [];
  if (nested.length > 0) {
    return nested.flatMap((inner) => issueErrors({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [{ field: formatPointer(issue.path), message: issue.message }];
}

/** Of the alternatives of a union, the one that the value got furthest into: its faults are the ones meant. */
function nearestAlternative(
  alternatives: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]): number =>
    Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
  const [best] = alternatives.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length);
  return best !== undefined && depth(best) > 0 ? best : [];
}
