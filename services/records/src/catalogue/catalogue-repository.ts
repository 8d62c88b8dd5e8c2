import type {
  CatalogueKind,
  LogPosition,
  NamedProperties,
  ObjectType,
  Property,
  Register,
  RightsState,
} from '@tidewire/contract';
import type { Provenance } from '@tidewire/service-kit';

export interface RegisterValues {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly description: string;
}

export interface SchemaValues {
  readonly id: string;
  readonly register: string;
  readonly slug: string;
  readonly table: string;
  readonly title: string;
  readonly description: string;
  readonly properties: Readonly<Record<string, Property>>;
  readonly required: readonly string[];
}

/** What of a register may change; absent members stay. `removed` deletes it with its schemas and their objects. */
export interface RegisterChange {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly removed?: true;
}

/** What of a schema may change; absent members stay. `properties` are added to or replace those of the same name. */
export interface SchemaChange {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, Property>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly removed?: true;
}

/** States of registers and schemas, with the position of their snapshot. `next` is what the next page comes after. */
export interface CataloguePage {
  readonly position: LogPosition;
  readonly items: readonly RightsState[];
  readonly next: string | null;
}

/** The table's slug is taken, or was until recently: another one may be free. */
export class TableTaken extends Error {
  constructor() {
    super('the slug of the table is taken');
    this.name = 'TableTaken';
  }
}

/**
 * Where registers and schemas are kept. Whoever calls has decided that the caller may do this.
 *
 * Writes throw TidewireError SLUG_RESERVED for a slug that is taken or was until recently, and NOT_FOUND for what was
 * deleted meanwhile.
 */
export interface CatalogueRepository {
  insertRegister(provenance: Provenance, values: RegisterValues): Promise<Register>;
  updateRegister(provenance: Provenance, id: string, change: RegisterChange): Promise<Register>;
  /** @throws TableTaken */
  insertSchema(provenance: Provenance, values: SchemaValues): Promise<ObjectType>;
  updateSchema(provenance: Provenance, id: string, change: SchemaChange): Promise<ObjectType>;
  /** What these names mean in a register or schema; null when there is no such thing, or none any more. */
  names(kind: CatalogueKind, id: string, names: readonly string[]): Promise<NamedProperties | null>;
  /** What was removed is listed for as long as its slug is reserved. Pages are cut so that they fit into a message. */
  statePage(after: string | null): Promise<CataloguePage>;
}
