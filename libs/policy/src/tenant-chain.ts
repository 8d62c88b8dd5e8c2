import type { Organisation } from '@tidewire/contract';

/** How many ancestors a principal can read from. */
export const MAX_ANCESTORS = 10;

/**
 * The active organisation, then its ancestors from near to far; their rows are what a principal may at most
 * read, the first one's what it may at most write. Empty when the organisation is unknown or removed. The
 * walk ends at an unknown or removed ancestor; a cycle grants no ancestor at all.
 */
export function tenantChain(
  active: string | null,
  find: (id: string) => Organisation | undefined,
): readonly string[] {
  const chain: string[] = [];
  for (let id = active; id !== null && chain.length <= MAX_ANCESTORS;) {
    if (chain.includes(id)) return chain.slice(0, 1);
    const organisation = find(id);
    if (organisation === undefined || organisation.removed) break;
    chain.push(id);
    id = organisation.parent;
  }
  return chain;
}
