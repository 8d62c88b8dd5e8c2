import type {
  Credential,
  LogMessage,
  ObjectType,
  Organisation,
  Policy,
  Principal,
  Register,
  RightsState,
} from '@tidewire/contract';
import { RecentStates } from './recent-states.ts';
import { NO_CHANGE, type RightsChange } from './rights-change.ts';
import { compileSchemaRules, type SchemaRules } from './schema-rules.ts';
import { tenantChain } from './tenant-chain.ts';

/** What authz answered about a credential: principal and credential as read at a position of the log. */
export interface Authentication {
  readonly principal: Principal;
  readonly credential: Credential;
  readonly position: { readonly sequence: number };
}

/**
 * A credential admitted (principal and credential in their newest version, from now on kept up to date), or
 * why not. `ended`: revoked or expired, or the principal was removed. `stale`: the answer is too old to
 * tell; authenticate again.
 */
export type HoldResult =
  | { readonly ok: true; readonly principal: Principal; readonly credential: Credential }
  | { readonly ok: false; readonly reason: 'ended' | 'stale' };

/** Recently changed principals and credentials kept to correct answers that were read before the change. */
const RECENT_CAPACITY = 10_000;

/**
 * The rights and the catalogue as of one position in the log: loaded from snapshots, kept up to date by
 * applying the log in order. States are whole and the newest version wins, so loading and applying twice or
 * overlapping is harmless. Removed registers, schemas and policies stay, to judge their last deletes.
 * Principals and credentials are kept only while held.
 */
export class RightsView {
  readonly #registers = new Map<string, Register>();
  readonly #schemas = new Map<string, ObjectType>();
  readonly #policies = new Map<string, Policy>();
  readonly #organisations = new Map<string, Organisation>();
  readonly #rules = new Map<string, SchemaRules>();
  readonly #principals = new Map<string, Held<Principal>>();
  readonly #credentials = new Map<string, Held<Credential>>();
  readonly #recentPrincipals: RecentStates<Principal>;
  readonly #recentCredentials: RecentStates<Credential>;
  #sequence = 0;
  #catalogueChanges = 0;

  constructor(options: { readonly recentCapacity?: number } = {}) {
    const capacity = options.recentCapacity ?? RECENT_CAPACITY;
    this.#recentPrincipals = new RecentStates(capacity);
    this.#recentCredentials = new RecentStates(capacity);
  }

  /** The last position applied or loaded; decisions are as of this position. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Counts the changes of registers and schemas: what was derived from them holds while it is the same. */
  get catalogueChanges(): number {
    return this.#catalogueChanges;
  }

  /**
   * Takes in one page of a snapshot, in any order of pages; `sequence` is that page's position. Every decision
   * made before may differ after it.
   */
  loadState(states: Iterable<RightsState>, sequence: number): void {
    for (const state of states) this.#take(state, sequence);
    this.#rules.clear();
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** Applies the log's message at a position; says which decisions it may have changed. */
  apply(message: LogMessage, sequence: number): RightsChange {
    const isNew = sequence > this.#sequence;
    this.#sequence = Math.max(this.#sequence, sequence);
    if (message.kind !== 'rights') return NO_CHANGE;
    const { state } = message;
    const isLate =
      isNew && state.kind === 'principal' && this.#principals.get(state.id)?.noteTold(state) === true;
    const change = this.#take(state, sequence);
    return isLate ? { ...change, late: new Set([state.id]) } : change;
  }

  /**
   * Whether an answer is newer than what the log has told of its principal, as far as that is known here. Whoever has to
   * judge in the order of the log waits for it before `hold`.
   */
  isAhead({ principal }: Pick<Authentication, 'principal'>): boolean {
    const known = this.#principals.get(principal.id)?.state ?? this.#recentPrincipals.find(principal.id);
    return known !== undefined && known.version < principal.version;
  }

  /**
   * Admits an authentication and keeps its principal and credential up to date until `release`. What the
   * log told after the answer was read wins. `nowMs` is compared with the credential's expiry.
   */
  hold(authentication: Authentication, nowMs: number): HoldResult {
    const { sequence } = authentication.position;
    const principal =
      this.#principals.get(authentication.principal.id)?.newest(authentication.principal) ??
      this.#recentPrincipals.newest(authentication.principal, sequence);
    const credential =
      this.#credentials.get(authentication.credential.id)?.newest(authentication.credential) ??
      this.#recentCredentials.newest(authentication.credential, sequence);
    if (principal === undefined || credential === undefined) return { ok: false, reason: 'stale' };
    if (principal.removed || credential.principal !== principal.id || hasEnded(credential, nowMs)) {
      return { ok: false, reason: 'ended' };
    }
    hold(this.#principals, principal, this.#recentPrincipals.find(principal.id));
    hold(this.#credentials, credential, this.#recentCredentials.find(credential.id));
    return { ok: true, principal, credential };
  }

  /** Gives back one successful `hold`. */
  release(held: {
    readonly principal: { readonly id: string };
    readonly credential: { readonly id: string };
  }): void {
    release(this.#principals, held.principal.id);
    release(this.#credentials, held.credential.id);
  }

  /** A held principal in its newest version; undefined when it is not held. */
  principal(id: string): Principal | undefined {
    return this.#principals.get(id)?.state;
  }

  /** A held credential in its newest version; undefined when it is not held. */
  credential(id: string): Credential | undefined {
    return this.#credentials.get(id)?.state;
  }

  /** A register by id, removed ones included. */
  register(id: string): Register | undefined {
    return this.#registers.get(id);
  }

  /** A schema by id, removed ones included. */
  schema(id: string): ObjectType | undefined {
    return this.#schemas.get(id);
  }

  /** All registers that are not removed. */
  registers(): readonly Register[] {
    return [...this.#registers.values()].filter((register) => !register.removed);
  }

  /** All schemas that are not removed, of one register or of all. */
  schemas(register?: string): readonly ObjectType[] {
    return [...this.#schemas.values()].filter(
      (schema) => !schema.removed && (register === undefined || schema.register === register),
    );
  }

  /** A register that is not removed, by slug. */
  registerBySlug(slug: string): Register | undefined {
    return this.registers().find((register) => register.slug === slug);
  }

  /** A schema that is not removed, by the slugs of its register and its own. */
  schemaBySlug(register: string, slug: string): ObjectType | undefined {
    const owner = this.registerBySlug(register);
    return owner && this.schemas(owner.id).find((schema) => schema.slug === slug);
  }

  /** A schema that is not removed, by the slug of its table. */
  schemaByTable(table: string): ObjectType | undefined {
    return this.schemas().find((schema) => schema.table === table);
  }

  /** An organisation by id, removed ones included. */
  organisation(id: string): Organisation | undefined {
    return this.#organisations.get(id);
  }

  /** The policy of a register or schema by its id, removed ones included. */
  policy(id: string): Policy | undefined {
    return this.#policies.get(id);
  }

  /** The active organisation of a principal and its ancestors; empty without one it is a member of. */
  chainOf(principal: Principal): readonly string[] {
    const active = principal.activeOrganisation;
    if (active === null || !principal.organisations.includes(active)) return [];
    return tenantChain(active, (id) => this.#organisations.get(id));
  }

  /** The rules a schema is judged by; undefined while its register, it or its policy has not been seen. */
  rules(schemaId: string): SchemaRules | undefined {
    const known = this.#rules.get(schemaId) ?? this.#compile(schemaId);
    // What is unknown is not remembered: its id may be anything that a client sent.
    if (known !== undefined) this.#rules.set(schemaId, known);
    return known;
  }

  #compile(schemaId: string): SchemaRules | undefined {
    const schema = this.#schemas.get(schemaId);
    const register = schema && this.#registers.get(schema.register);
    const schemaPolicy = this.#policies.get(schemaId);
    if (schema === undefined || register === undefined || schemaPolicy === undefined) return undefined;
    return compileSchemaRules({
      schema,
      register,
      schemaPolicy,
      registerPolicy: this.#policies.get(register.id),
    });
  }

  #take(state: RightsState, sequence: number): RightsChange {
    switch (state.kind) {
      case 'policy':
        return replace(this.#policies, state) ? this.#schemasChanged(state.id) : NO_CHANGE;
      case 'register':
      case 'schema': {
        const replaced =
          state.kind === 'register' ? replace(this.#registers, state) : replace(this.#schemas, state);
        if (!replaced) return NO_CHANGE;
        this.#catalogueChanges += 1;
        return { ...this.#schemasChanged(state.id), gone: new Set(state.removed ? [state.id] : []) };
      }
      case 'organisation':
        return this.#takeOrganisation(state);
      case 'principal':
        this.#recentPrincipals.add(state, sequence);
        return this.#principals.get(state.id)?.replace(state)
          ? { ...NO_CHANGE, principals: new Set([state.id]) }
          : NO_CHANGE;
      case 'credential':
        return this.#takeCredential(state, sequence);
    }
  }

  #takeOrganisation(state: Organisation): RightsChange {
    const reaches = (): Set<string> =>
      new Set(
        [...this.#principals.values()]
          .map((held) => held.state)
          .filter(
            (principal) =>
              principal.activeOrganisation === state.id || this.chainOf(principal).includes(state.id),
          )
          .map((principal) => principal.id),
      );
    const before = reaches();
    if (!replace(this.#organisations, state)) return NO_CHANGE;
    return { ...NO_CHANGE, principals: before.union(reaches()) };
  }

  #takeCredential(state: Credential, sequence: number): RightsChange {
    this.#recentCredentials.add(state, sequence);
    const changed = this.#credentials.get(state.id)?.replace(state) ?? false;
    if (state.endedAt !== null) return { ...NO_CHANGE, endedCredentials: new Set([state.id]) };
    return changed ? { ...NO_CHANGE, credentials: new Set([state.id]) } : NO_CHANGE;
  }

  /** A register's change is one of all its schemas. */
  #schemasChanged(id: string): RightsChange {
    const schemas = new Set(
      [...this.#schemas.values()]
        .filter((schema) => schema.id === id || schema.register === id)
        .map((schema) => schema.id),
    );
    for (const schema of schemas) this.#rules.delete(schema);
    this.#rules.delete(id);
    return { ...NO_CHANGE, schemas };
  }
}

/** Whether a credential no longer counts: ended by its owner or past its expiry. */
export function hasEnded(credential: Credential, nowMs: number): boolean {
  return (
    credential.endedAt !== null ||
    (credential.expiresAt !== null && Date.parse(credential.expiresAt) <= nowMs)
  );
}

interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** Something kept while at least one connection needs it. */
class Held<T extends Versioned> {
  state: T;
  count = 0;
  /** The newest version that the log is known to have told; 0: none. */
  #told: number;

  constructor(state: T, told: number) {
    this.state = state;
    this.#told = told;
  }

  /** The log tells a state. True when an answer had brought it, or a newer one, before: nothing differs by it any more. */
  noteTold({ version }: T): boolean {
    const isLate = version > Math.max(this.#told, 1) && version <= this.state.version;
    this.#told = Math.max(this.#told, version);
    return isLate;
  }

  newest(other: T): T {
    return other.version > this.state.version ? other : this.state;
  }

  replace(state: T): boolean {
    if (state.version <= this.state.version) return false;
    this.state = state;
    return true;
  }
}

function hold<T extends Versioned>(held: Map<string, Held<T>>, state: T, told: T | undefined): void {
  const entry = held.get(state.id) ?? new Held(state, told?.version ?? 0);
  entry.replace(state);
  entry.count += 1;
  held.set(state.id, entry);
}

function release<T extends Versioned>(held: Map<string, Held<T>>, id: string): void {
  const entry = held.get(id);
  if (entry === undefined) return;
  entry.count -= 1;
  if (entry.count <= 0) held.delete(id);
}

function replace<T extends Versioned>(states: Map<string, T>, state: T): boolean {
  const known = states.get(state.id);
  if (known !== undefined && known.version >= state.version) return false;
  states.set(state.id, state);
  return true;
}
