/**
 * Rights as the oracle understands them. On purpose not the types of the product: what both believed of each other
 * could not be found wrong.
 */
export type Operand = string | number | boolean | readonly (string | number | boolean)[];
export type Match = Readonly<Record<string, Operand | Readonly<Record<string, Operand>>>>;
export type Rule = string | { readonly group: string; readonly match?: Match };
export type RuleAction = 'read' | 'list' | 'create' | 'update' | 'delete';
export type Rules = { readonly [action in RuleAction]?: readonly Rule[] } & {
  /** Groups that hold a role; what a role may do is said by the register. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
};

export interface Role {
  readonly name: string;
  readonly actions: readonly RuleAction[];
}

export interface Policy {
  /** Null or without members: a schema goes by its register's, a register by membership. */
  readonly authorization: Rules | null;
  readonly properties: Readonly<Record<string, PropertyRules>>;
  /** Of a register. */
  readonly roles: readonly Role[];
}

export interface PropertyRules {
  readonly read?: readonly Rule[];
  readonly update?: readonly Rule[];
}

export interface Organisation {
  readonly id: string;
  readonly parent: string | null;
}

export interface Principal {
  readonly id: string;
  readonly name: string;
  readonly admin: boolean;
  readonly organisations: readonly string[];
  readonly active: string | null;
  readonly groups: readonly Membership[];
}

/** What is left of a principal that was removed. */
export interface RemovedPrincipal {
  readonly id: string;
  readonly removed: true;
}

export interface Membership {
  readonly organisation: string;
  readonly group: string;
}

export interface Scopes {
  readonly topics?: readonly string[];
  readonly actions?: readonly string[];
}

export interface Credential {
  readonly id: string;
  readonly principal: string;
  readonly scopes: Scopes | null;
  readonly ended: boolean;
}

/** Everything that decides who may do what, at one moment. Never changed in place: history keeps the old ones. */
export interface Rights {
  readonly organisations: ReadonlyMap<string, Organisation>;
  readonly principals: ReadonlyMap<string, Principal>;
  readonly credentials: ReadonlyMap<string, Credential>;
  /** By id of the register or schema. */
  readonly policies: ReadonlyMap<string, Policy>;
}

export type PropertyKind = 'string' | 'integer' | 'number' | 'boolean' | 'instant' | 'list';

/** A schema of the world: it comes and goes, and does not change. */
export interface Schema {
  readonly id: string;
  readonly slug: string;
  readonly registerId: string;
  readonly register: string;
  /** Its slug on the tables face. */
  readonly table: string;
  readonly properties: ReadonlyMap<string, PropertyKind>;
}

/** A row at one version: properties and system members side by side. */
export type Image = Readonly<Record<string, unknown>>;

/** Who asks: nobody (anonymous) or a principal by means of a credential. */
export interface Asker {
  readonly principal: string | null;
  readonly credential: string | null;
  /**
   * What the credential is limited to, as text: a connection may live by one before the log tells of it, and is told by that
   * what comes before it in the log. Absent: whoever is not known there is nobody.
   */
  readonly limits?: string;
}

export const SYSTEM_MEMBERS = [
  '_uuid',
  '_register',
  '_schema',
  '_organisation',
  '_owner',
  '_version',
  '_created',
  '_updated',
] as const;

/** A right's place: `kind/id`. Of a thing there is at most one. */
export type RightsKey = `${'organisation' | 'principal' | 'credential' | 'policy'}/${string}`;
export type RightsValue = Organisation | Principal | RemovedPrincipal | Credential | Policy;

/** The rights with one of them replaced. */
export function withRight(rights: Rights, key: RightsKey, value: RightsValue): Rights {
  const id = key.slice(key.indexOf('/') + 1);
  const put = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> => new Map(map).set(id, value as T);
  switch (key.slice(0, key.indexOf('/'))) {
    case 'organisation':
      return { ...rights, organisations: put(rights.organisations) };
    case 'principal': {
      const principals = new Map(put(rights.principals));
      if ('removed' in value) principals.delete(id);
      return { ...rights, principals };
    }
    case 'credential':
      return { ...rights, credentials: put(rights.credentials) };
    default:
      return { ...rights, policies: put(rights.policies) };
  }
}

export function rightOf(rights: Rights, key: RightsKey): RightsValue | undefined {
  const id = key.slice(key.indexOf('/') + 1);
  const all = [rights.organisations, rights.principals, rights.credentials, rights.policies];
  const kinds = ['organisation', 'principal', 'credential', 'policy'];
  return all[kinds.indexOf(key.slice(0, key.indexOf('/')))]?.get(id);
}

export const NO_RIGHTS: Rights = {
  organisations: new Map(),
  principals: new Map(),
  credentials: new Map(),
  policies: new Map(),
};
