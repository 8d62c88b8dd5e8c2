/** What is asked, as the form has it and the console's own address keeps it. */
export interface Question {
  readonly principal: string;
  readonly about: 'event' | 'topic' | 'table';
  /** Id of the event, topic, or slug of the table. */
  readonly name: string;
  /** Of a topic one condition a line, `field:operator:value`; of a table as a poll takes it. */
  readonly filter: string;
}

const ABOUT = ['event', 'topic', 'table'] as const;

/** The question that an address of the console asks; nothing is named by one that asks nothing. */
export function parseQuestion(query: URLSearchParams): Question {
  const about = ABOUT.find((name) => query.has(name)) ?? 'event';
  return {
    principal: query.get('principal') ?? '',
    about,
    name: query.get(about) ?? '',
    filter: about === 'event' ? '' : (query.get('filter') ?? ''),
  };
}

/** The console's address of a question: the inverse of {@link parseQuestion}. */
export function addressOf({ principal, about, name, filter }: Question): string {
  const query = new URLSearchParams({ [about]: name.trim() });
  if (principal.trim() !== '') query.set('principal', principal.trim());
  if (about !== 'event' && filter.trim() !== '') query.set('filter', filter.trim());
  return `/console/explain?${query.toString()}`;
}

/** The request that answers a question. */
export function requestOf({ principal, about, name, filter }: Question): string {
  const query = new URLSearchParams({ [about]: name });
  if (principal !== '') query.set('principal', principal);
  if (about === 'table' && filter !== '') query.set('filter', filter);
  if (about === 'topic') for (const [key, value] of conditionsOf(filter)) query.append(key, value);
  return `/api/explain?${query.toString()}`;
}

/**
 * Conditions of a topic as parameters: `status:eq:new` is `filter[status][eq]=new`. A line without an operator compares for
 * equality; what is no condition at all is passed on, for the API to say what is wrong with it.
 */
export function conditionsOf(filter: string): readonly (readonly [string, string])[] {
  return filter
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [field = '', operator, ...rest] = line.split(':');
      if (operator === undefined) return [`filter[${field}]`, ''] as const;
      if (rest.length === 0) return [`filter[${field}][eq]`, operator] as const;
      return [`filter[${field}][${operator}]`, rest.join(':')] as const;
    });
}
