import {
  REQUEST_SUBJECTS,
  catalogueEntryRequestSchema,
  queueGroup,
  stateRequestSchema,
} from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { CatalogueRepository } from '../catalogue/catalogue-repository.ts';
import type { BarrierSource } from '../rights/barrier.ts';
import type { CatalogueSnapshot } from '../rights/rights-feed.ts';

/** Answers `catalogue.v1.state`: registers and schemas, page by page. Returns how to stop. */
export function answerCatalogueState(bus: MessageBus, repository: CatalogueRepository): () => Promise<void> {
  return bus.respond(REQUEST_SUBJECTS.catalogueState, {
    queue: queueGroup('records'),
    requestSchema: stateRequestSchema,
    handle: async ({ after }) => ({ ok: true, ...(await repository.statePage(after)) }),
  });
}

/** Answers `catalogue.v1.entry`: from the database, so that a schema that was made a moment ago is known. */
export function answerCatalogueEntry(bus: MessageBus, repository: CatalogueRepository): () => Promise<void> {
  return bus.respond(REQUEST_SUBJECTS.catalogueEntry, {
    queue: queueGroup('records'),
    requestSchema: catalogueEntryRequestSchema,
    handle: async ({ kind, id, names }) => ({
      ok: true,
      names: await outageAsUnavailable(() => repository.names(kind, id, names)),
    }),
  });
}

/** All pages at once, for this service itself. */
export async function loadCatalogue(
  repository: CatalogueRepository,
  barriers: BarrierSource,
): Promise<CatalogueSnapshot> {
  // First: should the database be another one a moment later, then the pages are of that one, and nothing relies on it.
  const { store } = await barriers.readBarrier([]);
  const first = await repository.statePage(null);
  const items = [...first.items];
  for (let { next } = first; next !== null;) {
    const page = await repository.statePage(next);
    items.push(...page.items);
    next = page.next;
  }
  return { position: first.position, items, store };
}
