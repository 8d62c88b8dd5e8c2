import type { Client, Clock } from '@tidewire/client';
import { createContext, createElement, useContext } from 'react';
import type { ReactElement, ReactNode } from 'react';
import type { RegisteredClient, RegisteredTables } from './register.ts';
import { cacheOf } from './source-cache.ts';
import type { SourceCache } from './source-cache.ts';

const CacheContext = createContext<SourceCache | null>(null);

export interface TidewireProviderProps {
  /** Made once, outside of components. Who made it closes it: the provider does not. */
  readonly client: RegisteredClient;
  /** Of tests: time for what waits here. It counts where the client is provided first. */
  readonly clock?: Clock | undefined;
  readonly children?: ReactNode;
}

/** Gives every component below it the client. Does nothing else: neither here nor on the server is anything connected to. */
export function TidewireProvider({ client, clock, children }: TidewireProviderProps): ReactElement {
  const cache = cacheOf(client, clock);
  return createElement(CacheContext.Provider, { value: cache }, children);
}

/** The client of the nearest provider, for what has no hook. @throws Error outside of a provider. */
export function useClient(): Client<RegisteredTables> {
  return useSourceCache().client;
}

/** @throws Error outside of a provider. */
export function useSourceCache(): SourceCache {
  const cache = useContext(CacheContext);
  if (cache === null) throw new Error('There is no <TidewireProvider> around this component');
  return cache;
}
