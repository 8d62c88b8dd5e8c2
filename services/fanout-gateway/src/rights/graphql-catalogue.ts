import { GraphqlCatalogue } from '@tidewire/graphql';
import type { RightsView } from '@tidewire/policy';

/** The catalogue as GraphQL sees it, made anew when registers or schemas have changed. */
export class CurrentCatalogue {
  readonly #view: () => RightsView;
  #made:
    { readonly view: RightsView; readonly changes: number; readonly catalogue: GraphqlCatalogue } | undefined;

  constructor(view: () => RightsView) {
    this.#view = view;
  }

  get(): GraphqlCatalogue {
    const view = this.#view();
    const changes = view.catalogueChanges;
    const known = this.#made;
    if (known !== undefined && known.view === view && known.changes === changes) return known.catalogue;
    const catalogue = new GraphqlCatalogue({ registers: view.registers(), schemas: view.schemas() });
    this.#made = { view, changes, catalogue };
    return catalogue;
  }
}
