import { graphqlRequestSchema } from '@tidewire/contract';
import type { GraphqlRequestBody } from '@tidewire/contract';
import { parseInput, parseJsonBody } from '@tidewire/service-kit';
import { badParameter, single } from '../objects/list-terms.ts';
import type { Entries } from '../objects/list-terms.ts';

/** A request of GraphQL over HTTP as it was sent. */
export interface SentRequest {
  readonly method: string;
  /** Parameters of the address. */
  readonly entries: Entries;
  /** Parsed JSON. */
  readonly body: unknown;
}

/** What is asked for. @throws TidewireError VALIDATION_ERROR or BAD_REQUEST for what is no request of GraphQL. */
export function readHttpParameters({ method, entries, body }: SentRequest): GraphqlRequestBody {
  if (method === 'POST') return parseInput(graphqlRequestSchema, body, 'body');
  const sent = {
    query: single(entries, 'query'),
    operationName: single(entries, 'operationName'),
    variables: jsonOf(entries, 'variables'),
    extensions: jsonOf(entries, 'extensions'),
  };
  return parseInput(graphqlRequestSchema, sent, 'query');
}

function jsonOf(entries: Entries, name: string): unknown {
  const text = single(entries, name);
  if (text === undefined) return undefined;
  try {
    return parseJsonBody(text);
  } catch {
    throw badParameter(name, `${name} is JSON.`);
  }
}
