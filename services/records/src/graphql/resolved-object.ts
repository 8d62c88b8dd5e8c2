import type { PresentedObject } from '../objects/object-access.ts';
import { formatPageCursor } from './page-cursor.ts';
import type { ReadPage } from '../objects/object-reader.ts';

/** An object as its fields are resolved from. */
export interface ResolvedObject {
  readonly schemaId: string;
  readonly presented: PresentedObject;
}

/** A page in the words of connections. */
export interface Connection {
  readonly edges: readonly { readonly cursor: string; readonly node: ResolvedObject }[];
  readonly nodes: readonly ResolvedObject[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount: number;
  readonly position: string;
}

export function toConnection(schemaId: string, page: ReadPage): Connection {
  const { offset } = page.request;
  const nodes = page.objects.map((presented): ResolvedObject => ({ schemaId, presented }));
  const edges = nodes.map((node, index) => ({ cursor: formatPageCursor(offset + index), node }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasNextPage: offset + nodes.length < page.total,
      hasPreviousPage: offset > 0,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: page.total,
    position: page.position,
  };
}
