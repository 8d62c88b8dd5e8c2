import { Finding } from './finding.ts';
import { toldRow } from './graphql-query.ts';
import type { GraphqlAnswer, GraphqlError, GraphqlListQuery } from './graphql-query.ts';
import type { WrittenDocument } from './graphql-document.ts';
import type { Listing, RefusedListing } from './lists.ts';
import type { Image } from './rights.ts';
import type { Ticket } from './tickets.ts';
import { requestOf, statusOf } from './transports/graphql-sse.ts';

const PATH = '/api/graphql';
const RETRY_MS = 25;
const MOST_RETRIES = 1200;
/** Longer ones are posted: an address has no room for everything. */
const LONGEST_ADDRESS = 1500;

/** Asks until somebody answers: whoever should may be down. */
export async function askGraphql(
  base: string,
  { headers }: Ticket,
  document: WrittenDocument,
): Promise<GraphqlAnswer> {
  const request = requestFor(base, document);
  const accept = 'application/json';
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(request.url, {
      ...request.init,
      headers: { ...headers, accept, ...request.init.headers },
    }).catch(() => undefined);
    const body = (await answer?.json().catch(() => undefined)) as GraphqlAnswer | undefined;
    if (answer !== undefined && body !== undefined && (answer.status === 200 || answer.status === 400)) {
      return body;
    }
    if (attempt > MOST_RETRIES || (answer !== undefined && answer.status < 500 && answer.status !== 429)) {
      throw new Finding('loss', `GraphQL does not answer: ${answer?.status}`, { body, document });
    }
    await new Promise((wake) => {
      setTimeout(wake, RETRY_MS);
    });
  }
}

interface SentRequest {
  readonly url: URL;
  readonly init: {
    readonly method: string;
    readonly body?: string;
    readonly headers: Record<string, string>;
  };
}

function requestFor(base: string, document: WrittenDocument): SentRequest {
  const url = new URL(PATH, base);
  const body = JSON.stringify(requestOf(document, undefined));
  if (body.length > LONGEST_ADDRESS) {
    return { url, init: { method: 'POST', body, headers: { 'content-type': 'application/json' } } };
  }
  const { query, operationName, variables } = document;
  url.searchParams.set('query', query);
  if (operationName !== undefined) url.searchParams.set('operationName', operationName);
  if (Object.keys(variables).length > 0) url.searchParams.set('variables', JSON.stringify(variables));
  return { url, init: { method: 'GET', headers: {} } };
}

interface Connection {
  readonly totalCount: number;
  readonly position: string;
  readonly nodes?: readonly Image[];
  readonly edges?: readonly { readonly node: Image; readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
}

/** The answer to a list's document, or why it is none. */
export function readConnection(query: GraphqlListQuery, answer: GraphqlAnswer): Listing | RefusedListing {
  const { schema, root, shape, selection } = query;
  const { data, errors = [], extensions } = answer;
  const told = data?.[root] as Connection | null | undefined;
  if (told === undefined || told === null) return { schema, status: statusOf(errors), body: answer };
  const { totalCount: total, position: positionId, pageInfo } = told;
  const nodes = shape === 'nodes' ? (told.nodes ?? []) : (told.edges ?? []).map(({ node }) => node);
  const below = shape === 'nodes' ? [] : ['node'];
  if (pageInfo.hasPreviousPage || pageInfo.hasNextPage !== total > nodes.length) {
    throw new Finding('wrong-list', `a page of ${root} says wrongly what is beside it`, { pageInfo, total });
  }
  requireAboutRows(query, errors);
  return {
    schema,
    face: 'graphql',
    rows: nodes.map((node, index) => toldRow(node, selection, { errors }, [root, shape, index, ...below])),
    total,
    position: Number(positionId.slice(-12)),
    positionId,
    errorsLeftOut: extensions?.errorsLeftOut ?? 0,
  };
}

function requireAboutRows({ root, shape }: GraphqlListQuery, errors: readonly GraphqlError[]): void {
  const other = errors.find(({ path = [] }) => path[0] !== root || path[1] !== shape);
  if (other === undefined) return;
  throw new Finding('wrong-list', `an answer has errors that are not about rows`, { other });
}
