import { Resolver, lookup } from 'node:dns/promises';

/** The addresses of a name, of both families; none: it has none. Rejects when nobody can say. */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

const QUESTION = { timeout: 2000, tries: 2 };

/**
 * Asks the name servers themselves. The resolver of the machine would block one of Node's few threads for as long as the name
 * servers of a stranger please, and it knows names of its own.
 */
export const resolvePublicly: ResolveHost = async (host, signal) => {
  const resolver = new Resolver(QUESTION);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel);
  try {
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/** Asks the machine, which knows the names of its own network. */
export const resolveLocally: ResolveHost = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);
