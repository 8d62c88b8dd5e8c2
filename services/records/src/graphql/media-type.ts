import { GRAPHQL_MEDIA_TYPE } from '@tidewire/contract';

/** In which of its two media types an answer of GraphQL comes. */
export type AnswerMediaType = typeof GRAPHQL_MEDIA_TYPE | 'application/json';

/**
 * What `Accept` asks for (RFC 9110, 12.5.1): the media type of GraphQL where it is named and nothing is liked better, JSON
 * otherwise. Who names neither may still understand JSON: a refusal would help nobody.
 */
export function answerMediaType(accept: string | undefined): AnswerMediaType {
  const wanted = new Map((accept ?? '').split(',').map(readRange));
  const weight = wanted.get(GRAPHQL_MEDIA_TYPE) ?? 0;
  return weight > 0 && weight >= (wanted.get('application/json') ?? 0)
    ? GRAPHQL_MEDIA_TYPE
    : 'application/json';
}

function readRange(text: string): [name: string, weight: number] {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [name, weight === undefined ? 1 : Number(weight) || 0];
}
