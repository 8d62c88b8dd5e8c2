import type { Condition, FieldTypes } from '@tidewire/condition';
import type { Action } from '@tidewire/contract';

/** Which properties: bit i is the schema's property i. A bigint when the schema has more than 31. */
export type FieldMask = number | bigint;

/** The rights on the properties of one schema for one principal. */
export interface PropertyRights {
  /** The schema's properties in its order: bit i of a mask is the i-th. */
  readonly names: readonly string[];
  /** Per property, the rows on which it may be read or written (the full image decides). */
  readonly conditions: readonly Condition[];
  /** The properties allowed on every row. */
  readonly always: FieldMask;
  /** Indexes of the properties whose condition has to be tried on each row. */
  readonly conditional: readonly number[];
}

/** Nothing is allowed, and nothing is said about why. */
export interface Denied {
  readonly allowed: false;
}

/** What one principal may do with the rows of one schema, for one action. */
export interface Granted {
  readonly allowed: true;
  readonly action: Action;
  readonly schema: string;
  /** Who asks; null when anonymous. */
  readonly principal: string | null;
  /** An administrator: no tenant boundary, no rules, every property (scopes still narrow). */
  readonly bypass: boolean;
  /** The active organisation and, for reading, its ancestors; empty for administrators and anonymous readers. */
  readonly tenants: readonly string[];
  /** The tenant boundary and the credential's scopes: outside it nothing passes, the owner neither. */
  readonly boundary: Condition;
  /** The rows that the rules allow, boundary included; without the owner's own, so that many share it. */
  readonly rows: Condition;
  /** Whether rows owned by `principal` inside the boundary pass as well. */
  readonly ownerPasses: boolean;
  /** Which properties may be read, on which rows. */
  readonly reads: PropertyRights;
  /** Which properties may be written (create included), on which rows. */
  readonly updates: PropertyRights;
  /** The types of the fields the principal can read on at least one row; for the filter parsers. */
  readonly types: FieldTypes;
  /** Whether `rows` or a property's condition depends on the time. */
  readonly usesNow: boolean;
}

/** The answer to who may do what; the only thing the services act on. */
export type Decision = Denied | Granted;

/** The only denial there is. */
export const DENIED: Denied = Object.freeze({ allowed: false });
