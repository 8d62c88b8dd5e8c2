import { GRAPHQL_LIMITS } from '@tidewire/contract';
import type { JsonValue } from '@tidewire/contract';
import { graphqlError } from './document.ts';

/** Lists and objects within each other. Deeper than any value that an object may hold. */
const MAX_DEPTH = 40;

/**
 * Variables as they were sent, after a look at their size, copied into objects without inherited members: whoever reads
 * them may look for a member of any name, `constructor` as well, and finds what was sent or nothing.
 *
 * @throws GraphQLError BAD_REQUEST when they are no object, QUERY_TOO_COMPLEX when there is too much of them.
 */
export function readVariables(variables: unknown): Readonly<Record<string, JsonValue>> {
  if (variables === undefined || variables === null) return Object.create(null);
  if (typeof variables !== 'object' || Array.isArray(variables)) {
    throw graphqlError('BAD_REQUEST', 'Variables are an object, by their names');
  }
  return copyObject(variables, { left: GRAPHQL_LIMITS.maxVariablesBytes }, 1);
}

/** Characters that may still come. */
interface Budget {
  left: number;
}

function copyObject(value: object, budget: Budget, depth: number): Record<string, JsonValue> {
  const members: Record<string, JsonValue> = Object.create(null);
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    if (member === undefined) continue;
    spend(budget, name.length + 1);
    members[name] = copy(member, budget, depth);
  }
  return members;
}

function copy(value: unknown, budget: Budget, depth: number): JsonValue {
  spend(budget, typeof value === 'string' ? value.length + 1 : 1);
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  if (depth >= MAX_DEPTH) throw tooComplex(`are nested more than ${MAX_DEPTH} deep`);
  return Array.isArray(value)
    ? value.map((item) => copy(item, budget, depth + 1))
    : copyObject(value, budget, depth + 1);
}

function spend(budget: Budget, characters: number): void {
  budget.left -= characters;
  if (budget.left < 0) throw tooComplex(`have more than ${GRAPHQL_LIMITS.maxVariablesBytes} characters`);
}

function tooComplex(what: string): Error {
  return graphqlError('QUERY_TOO_COMPLEX', `The variables ${what}`);
}
