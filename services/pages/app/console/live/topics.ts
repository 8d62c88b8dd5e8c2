import type { TopicList } from '@tidewire/contract';

/** So many topics can be followed at once: each is a subscription of the page's connection. */
export const MOST_TOPICS = 20;

export type Offered = TopicList['topics'][number];

/** What can be followed as a whole: registers, each with its schemas after it, in the order of their names. */
export function followable(topics: readonly Offered[]): readonly Offered[] {
  return topics
    .filter(({ kind }) => kind === 'register' || kind === 'schema')
    .toSorted((one, other) => compareSegments(one.topic.split('/'), other.topic.split('/')));
}

function compareSegments(one: readonly string[], other: readonly string[]): number {
  const place = one.findIndex((segment, index) => segment !== other[index]);
  if (place === -1) return one.length - other.length;
  const [first = '', second] = [one[place], other[place]];
  return second === undefined || first > second ? 1 : -1;
}

/** What is followed: what an address names, and where it names nothing, all registers. */
export function chosenTopics(named: readonly string[], offered: readonly Offered[]): readonly string[] {
  const registers = offered.filter(({ kind }) => kind === 'register').map(({ topic }) => topic);
  return [...new Set(named.length > 0 ? named : registers)].slice(0, MOST_TOPICS);
}
