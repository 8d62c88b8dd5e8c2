import type { Viewer } from './expectation.ts';
import type { Listing } from './lists.ts';
import type { Image, Schema } from './rights.ts';
import type { Connection, SubscriberOptions } from './subscriber.ts';

/** Whoever follows something, for comparing what it has with what it may see. */
export interface Follower {
  readonly options: Pick<SubscriberOptions, 'name' | 'interest' | 'ticket'>;
  readonly viewer: Viewer;
  readonly isOver: boolean;
  readonly refusal: { readonly status: number; readonly body: string } | undefined;
  readonly sentAway: string | undefined;
  readonly connection: Connection | undefined;
  readonly stale: boolean;
  readonly freshAt: number;
  unlisted: ReadonlySet<string>;
  readonly state: string;
  readonly trail: readonly string[];
  readonly restart: (listings: readonly Listing[]) => void;
  readonly view: (
    schemaOf: (register: string, schema: string) => Schema | undefined,
  ) => ReadonlyMap<string, Image>;
}
