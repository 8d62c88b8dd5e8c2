import type { TopicFilter } from '@tidewire/contract';

/** A filter of topics as an address would have it, which is what is read. */
export function queryOfFilter(filter: TopicFilter): (readonly [string, string])[] {
  return Object.entries(filter).flatMap(([field, wanted]): (readonly [string, string])[] =>
    typeof wanted === 'object'
      ? Object.entries(wanted).map(
          ([operator, value]) => [`filter[${field}][${operator}]`, String(value)] as const,
        )
      : [[`filter[${field}]`, String(wanted)]],
  );
}
