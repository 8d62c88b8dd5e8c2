import { backoff } from '../backoff.ts';
import { ClientError } from '../client-error.ts';
import type { Link } from '../link/link.ts';
import type { Runtime } from '../runtime.ts';
import { createSharedLink } from './shared-link.ts';

export interface SharedLinkOrder {
  readonly url: string;
  readonly runtime: Runtime;
  readonly getToken: (() => string | null | Promise<string | null>) | undefined;
  /** Who a credential stands for. @throws ClientError */
  readonly identify: (token: string | null) => Promise<string>;
  /** Makes the connection itself, for who is named; undefined: nobody could say who that is. */
  readonly createLink: (identity: string | undefined) => Link;
}

/**
 * The link that all tabs of one person share. Whose it is has to be known before: tabs of two people never share, so that
 * nobody is told what only somebody else may see. Where nobody can say, it is a link of this tab alone.
 */
export async function openSharedLink(order: SharedLinkOrder, signal: AbortSignal): Promise<Link> {
  const { url, runtime, createLink } = order;
  const identity = await whoAsks(order, signal);
  if (identity === undefined) return createLink(undefined);
  return createSharedLink({
    key: `${url} ${identity}`,
    createLink: () => createLink(identity),
    clock: runtime.clock,
    random: runtime.random,
    locks: navigator.locks,
    channel: (name) => new BroadcastChannel(name),
    page: runtime.page,
  });
}

/** Asks until there is an answer, as the link itself would. Undefined: it is a refusal, which the link will be told too. */
async function whoAsks(
  { runtime, getToken, identify }: SharedLinkOrder,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await identify((await getToken?.()) ?? null);
    } catch (error) {
      if (error instanceof ClientError && !error.transient) return undefined;
    }
    await waitFor(runtime, backoff(attempt, runtime.random()), signal);
  }
  return undefined;
}

async function waitFor({ clock }: Runtime, delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.setTimeout(resolve, delayMs);
    signal.addEventListener('abort', () => {
      cancel();
      resolve();
    });
  });
}
