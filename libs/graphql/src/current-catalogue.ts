import type { Catalogue } from './type-names.ts';
import { GraphqlCatalogue } from './schema.ts';

/** Where registers and schemas are known, with a count of their changes. */
export interface CatalogueSource {
  registers(): Catalogue['registers'];
  schemas(): Catalogue['schemas'];
  readonly catalogueChanges: number;
}

interface Made {
  readonly source: CatalogueSource;
  readonly changes: number;
  readonly catalogue: GraphqlCatalogue;
}

/** The catalogue as GraphQL sees it, made anew when registers or schemas have changed. */
export class CurrentCatalogue {
  #made: Made | undefined;

  of(source: CatalogueSource): GraphqlCatalogue {
    const changes = source.catalogueChanges;
    if (this.#made?.source === source && this.#made.changes === changes) return this.#made.catalogue;
    const catalogue = new GraphqlCatalogue({ registers: source.registers(), schemas: source.schemas() });
    this.#made = { source, changes, catalogue };
    return catalogue;
  }
}
