import { z } from 'zod';
import { isSlug, isUuid } from './identifier.ts';

/** The public name of something to subscribe to. The four kinds are all there are. */
export type Topic =
  | { readonly kind: 'register'; readonly register: string }
  | { readonly kind: 'schema'; readonly register: string; readonly schema: string }
  | { readonly kind: 'object'; readonly uuid: string }
  | { readonly kind: 'organisation'; readonly uuid: string };

/** The four forms as people write them; what a malformed topic is answered with, and what `/topics` lists. */
export const TOPIC_PATTERNS = Object.freeze([
  'register/{slug}',
  'register/{slug}/schema/{slug}',
  'object/{uuid}',
  'organisation/{uuid}',
] as const);

export const topicKindSchema = z.enum(['register', 'schema', 'object', 'organisation']);

/** A topic as text: what {@link parseTopic} takes and nothing else, as a pattern for schemas. */
export const topicSchema = z
  .string()
  .regex(
    /^(register\/[a-z0-9][a-z0-9_-]{0,62}(\/schema\/[a-z0-9][a-z0-9_-]{0,62})?|(object|organisation)\/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/,
    `must be ${TOPIC_PATTERNS.join(', ')}`,
  );

/**
 * Parses a topic, or returns undefined when the text has none of the four forms. UUIDs may be upper case; slugs may
 * not, because a slug is an exact name. Whether the thing exists is not looked at here.
 */
export function parseTopic(text: string): Topic | undefined {
  const parts = text.split('/');
  const [head, first, word, second] = parts;
  if (head === undefined || first === undefined) return undefined;
  if (head === 'register' && parts.length === 2 && isSlug(first))
    return { kind: 'register', register: first };
  if (head === 'register' && parts.length === 4 && word === 'schema' && second !== undefined) {
    return isSlug(first) && isSlug(second) ? { kind: 'schema', register: first, schema: second } : undefined;
  }
  const uuid = first.toLowerCase();
  if (parts.length !== 2 || !isUuid(uuid)) return undefined;
  if (head === 'object' || head === 'organisation') return { kind: head, uuid };
  return undefined;
}

/** Formats a topic: the inverse of {@link parseTopic}. */
export function formatTopic(topic: Topic): string {
  switch (topic.kind) {
    case 'register':
      return `register/${topic.register}`;
    case 'schema':
      return `register/${topic.register}/schema/${topic.schema}`;
    case 'object':
      return `object/${topic.uuid}`;
    case 'organisation':
      return `organisation/${topic.uuid}`;
  }
}
