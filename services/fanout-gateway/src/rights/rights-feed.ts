import type { LogMessage, ObjectType, RightsState } from '@tidewire/contract';
import { RightsView, viewClassKey } from '@tidewire/policy';
import type { RightsChange } from '@tidewire/policy';
import { actorOrganisations, decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Stream, Streams } from '../transports/stream.ts';
import { isWithoutFilter } from './resolve-filter.ts';
import { coversSchema } from './resolve-topics.ts';

/** What a change of rights does to open streams. */
export interface RightsEffects {
  /** What the stream may see, or how it is trimmed, is another now. */
  changed(stream: Stream): void;
  /** The stream reaches another schema now, so that its filter may have to be read anew. */
  reread(stream: Stream): void;
  /** The stream's credential or principal ended. */
  credentialEnded(stream: Stream): void;
  /** The expiry of the stream's credential is another now. */
  credentialExpires(stream: Stream, expiresAt: number | null): void;
  /** Something that the stream is subscribed to was deleted. */
  gone(stream: Stream): void;
}

/**
 * Rights and catalogue, kept up to date by the same ordered log that brings the events, and what their changes mean
 * for the open streams. Only streams whose decision really differs are touched.
 */
export class RightsFeed {
  readonly #streams: Streams;
  readonly #effects: RightsEffects;
  #view = new RightsView();

  constructor(streams: Streams, effects: RightsEffects) {
    this.#streams = streams;
    this.#effects = effects;
  }

  get view(): RightsView {
    return this.#view;
  }

  /** Begins anew from snapshots: after the start, and when the log does not continue what was applied. */
  replace(view: RightsView): void {
    this.#view = view;
  }

  /** Whether the stream would be told the same, in the same form, with another reader of its own. */
  seesAlike(stream: Stream, reader: Reader): boolean {
    const schemas = this.#covered(stream);
    return this.#fingerprint({ reader }, schemas) === this.#fingerprint(stream, schemas);
  }

  /** Applies a message of the log; effects are called before this returns. */
  apply(message: LogMessage, sequence: number): void {
    if (message.kind !== 'rights') {
      this.#view.apply(message, sequence);
      return;
    }
    const { state } = message;
    const concerned = this.#concernedBy(state);
    const before = concerned.map(([stream, schemas]) => this.#fingerprint(stream, schemas));
    const change = this.#view.apply(message, sequence);
    this.#endStreams(change, state);
    for (const [index, [stream, schemas]] of concerned.entries()) {
      if (stream.ended) continue;
      const isLate = change.late.has(stream.reader.principalId ?? '');
      if (isLate || this.#fingerprint(stream, schemas) !== before[index]) this.#effects.changed(stream);
    }
    if (state.kind === 'schema') this.#rereadFilters(state);
  }

  #rereadFilters(schema: ObjectType): void {
    for (const stream of this.#streams.all()) {
      if (!isWithoutFilter(stream.wish) && coversSchema(stream.interests, schema))
        this.#effects.reread(stream);
    }
  }

  #endStreams(change: RightsChange, state: RightsState): void {
    for (const id of change.endedCredentials) {
      for (const stream of this.#streams.ofCredential(id)) this.#effects.credentialEnded(stream);
    }
    if (state.kind === 'credential') {
      const expiresAt = state.expiresAt === null ? null : Date.parse(state.expiresAt);
      for (const stream of this.#streams.ofCredential(state.id)) {
        this.#effects.credentialExpires(stream, expiresAt);
      }
    }
    if (state.kind === 'principal' && state.removed) {
      for (const stream of this.#streams.ofPrincipal(state.id)) this.#effects.credentialEnded(stream);
    }
    if (change.gone.size === 0) return;
    for (const stream of this.#streams.all()) {
      if (this.#isGone(stream, change.gone)) this.#effects.gone(stream);
    }
  }

  #isGone(stream: Stream, gone: ReadonlySet<string>): boolean {
    return stream.interests.some((interest) => {
      if (interest.kind === 'register') return gone.has(interest.registerId);
      if (interest.kind !== 'schema') return false;
      const register = this.#view.schema(interest.schemaId)?.register;
      return gone.has(interest.schemaId) || (register !== undefined && gone.has(register));
    });
  }

  /** Streams that the state may matter to, each with the schemas for which it may. */
  #concernedBy(state: RightsState): (readonly [Stream, readonly string[]])[] {
    switch (state.kind) {
      case 'policy':
      case 'register':
      case 'schema':
        return this.#concernedBySchemas(this.#schemasOf(state));
      case 'principal':
        return [...this.#streams.ofPrincipal(state.id)].map((stream) => [stream, this.#covered(stream)]);
      case 'credential':
        return [...this.#streams.ofCredential(state.id)].map((stream) => [stream, this.#covered(stream)]);
      case 'organisation':
        return [...this.#streams.all()]
          .filter((stream) => this.#dependsOn(stream, state.id))
          .map((stream) => [stream, this.#covered(stream)]);
    }
  }

  /**
   * A new schema has had no event that anybody could have missed, and is asked about when its first one comes: only
   * schemas that are known already are compared.
   */
  #schemasOf(state: RightsState & { kind: 'policy' | 'register' | 'schema' }): readonly string[] {
    const own = this.#view.schema(state.id);
    if (own !== undefined) return [own.id];
    return this.#view.schemas(state.id).map(({ id }) => id);
  }

  #concernedBySchemas(schemas: readonly string[]): (readonly [Stream, readonly string[]])[] {
    if (schemas.length === 0) return [];
    const types = schemas.flatMap((id) => this.#view.schema(id) ?? []);
    return [...this.#streams.all()].flatMap((stream) => {
      const covered = types.filter((type) => coversSchema(stream.interests, type)).map(({ id }) => id);
      return covered.length === 0 ? [] : [[stream, covered] as const];
    });
  }

  #covered(stream: Stream): readonly string[] {
    return this.#view
      .schemas()
      .filter((schema) => coversSchema(stream.interests, schema))
      .map(({ id }) => id);
  }

  #dependsOn(stream: Stream, organisation: string): boolean {
    const { principalId } = stream.reader;
    const principal = principalId === null ? undefined : this.#view.principal(principalId);
    if (principal === undefined) return false;
    if (principal.activeOrganisation === organisation) return true;
    const chain = this.#view.chainOf(principal);
    // A chain ends at an ancestor that is not known; once it is, the chain goes on.
    const last = chain.at(-1);
    const next = last === undefined ? undefined : this.#view.organisation(last)?.parent;
    return chain.includes(organisation) || next === organisation;
  }

  /** Text that differs when any of the decisions, or what else trims the stream's events, does. */
  #fingerprint({ reader }: Pick<Stream, 'reader'>, schemas: readonly string[]): string {
    const parts = schemas.map((schema) => {
      const decision = decideRead(this.#view, reader, schema);
      return decision.allowed ? viewClassKey({ decision, face: 'registers', wire: 'sse' }) : '';
    });
    const actors = actorOrganisations(this.#view, reader);
    return JSON.stringify([parts, actors === 'all' ? actors : actors.toSorted()]);
  }
}
