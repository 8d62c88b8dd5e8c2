import { GraphqlCatalogue } from '@tidewire/graphql';
import type { RightsView } from '@tidewire/policy';

interface Made {
  readonly view: RightsView;
  readonly changes: number;
  readonly catalogue: GraphqlCatalogue;
}

/** The catalogue as GraphQL sees it, made anew when registers or schemas have changed. */
export class CurrentCatalogue {
  #made: Made | undefined;

  of(view: RightsView): GraphqlCatalogue {
    const changes = view.catalogueChanges;
    if (this.#made?.view === view && this.#made.changes === changes) return this.#made.catalogue;
    const catalogue = new GraphqlCatalogue({ registers: view.registers(), schemas: view.schemas() });
    this.#made = { view, changes, catalogue };
    return catalogue;
  }
}
