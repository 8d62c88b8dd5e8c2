import type { GraphqlErrorEntry, GraphqlOperation } from '@tidewire/contract';
import type { GraphQLError } from 'graphql';

/** The cursor that an operation carries itself. */
export function cursorIn({ extensions }: Pick<GraphqlOperation, 'extensions'>): string | undefined {
  const cursor = extensions?.['lastEventId'];
  return typeof cursor === 'string' ? cursor : undefined;
}

/** An error of GraphQL's as it is told. */
export function toEntry(error: GraphQLError): GraphqlErrorEntry {
  const { message, locations, path, extensions } = error.toJSON();
  return {
    message,
    ...(locations && { locations: [...locations] }),
    ...(path && { path: [...path] }),
    extensions: { code: 'BAD_REQUEST', ...extensions },
  };
}
