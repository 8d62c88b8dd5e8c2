import { evaluateDuring, parseInstant } from '@tidewire/condition';
import type { ObjectImage, ObjectMessage, PushAction, Transition } from '@tidewire/contract';
import { isVisibleAt, passesRules, viewClassKey } from '@tidewire/policy';
import type { Granted, RightsChange, RightsView } from '@tidewire/policy';
import { decideRead, decideTransition, knowsSchema } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';

/** Readers of one schema who see the same rows, their own ones aside. */
interface ReaderClass<Who extends Reader> {
  /** A decision of one of them: equal in all that is asked of it here. */
  readonly decision: Granted;
  readonly members: Set<Who>;
}

/** What a schema is to its readers; those who may not read it at all are in no class. */
interface SchemaReaders<Who extends Reader> {
  readonly classes: Map<string, ReaderClass<Who>>;
  readonly classOf: Map<Who, string>;
}

const ACTIONS: Readonly<Record<Transition, PushAction>> = Object.freeze({
  created: 'create',
  entered: 'create',
  updated: 'update',
  left: 'delete',
  deleted: 'delete',
});

/**
 * Those who are to be told, sorted by what they may see, so that an event is judged once for all who see alike and not once for
 * each. A schema's classes are made when its first event comes and kept while rights stay as they are.
 */
export class ReaderClasses<Who extends Reader> {
  readonly #view: () => RightsView;
  readonly #readers = new Map<string | null, Set<Who>>();
  readonly #schemas = new Map<string, SchemaReaders<Who>>();

  constructor(view: () => RightsView) {
    this.#view = view;
  }

  /** How many readers there are. */
  get size(): number {
    let size = 0;
    for (const readers of this.#readers.values()) size += readers.size;
    return size;
  }

  add(reader: Who): void {
    const readers = this.#readers.get(reader.principalId) ?? new Set();
    this.#readers.set(reader.principalId, readers.add(reader));
    for (const [schema, known] of this.#schemas) this.#place(schema, known, reader);
  }

  remove(reader: Who): void {
    const readers = this.#readers.get(reader.principalId);
    readers?.delete(reader);
    if (readers?.size === 0) this.#readers.delete(reader.principalId);
    for (const known of this.#schemas.values()) takeOut(known, reader);
  }

  ofPrincipal(id: string): Iterable<Who> {
    return this.#readers.get(id) ?? [];
  }

  *all(): Generator<Who> {
    for (const readers of this.#readers.values()) yield* readers;
  }

  /** Forgets what was derived from rights that were loaded anew since. */
  reset(): void {
    this.#schemas.clear();
  }

  /** Takes note of what a message of the log changed in the view. */
  rightsChanged({ schemas, principals, credentials, endedCredentials, late }: RightsChange): void {
    for (const schema of schemas) this.#schemas.delete(schema);
    const touched = [principals, late].flatMap((ids) => [...ids].flatMap((id) => [...this.ofPrincipal(id)]));
    const ofCredentials = credentials.size + endedCredentials.size === 0 ? [] : [...this.all()];
    const isTouched = ({ credentialId }: Who): boolean =>
      credentialId !== null && (credentials.has(credentialId) || endedCredentials.has(credentialId));
    for (const reader of new Set([...touched, ...ofCredentials.filter(isTouched)])) {
      for (const [schema, known] of this.#schemas) {
        takeOut(known, reader);
        this.#place(schema, known, reader);
      }
    }
  }

  /** Everybody who may hear of an event, each once, with what it is to them. */
  *judge(message: ObjectMessage, nowMs: number): Generator<readonly [Who, PushAction]> {
    const known = this.#readersOf(message.schema.id);
    const owners = this.#owners(message);
    for (const { decision, members } of known.classes.values()) {
      const action = judgeFor(message, nowMs, decision, false);
      if (action === undefined) continue;
      for (const reader of members) if (!owners.has(reader)) yield [reader, action];
    }
    for (const reader of owners) {
      const decision = decideRead(this.#view(), reader, message.schema.id);
      const action = decision.allowed ? judgeFor(message, nowMs, decision, true) : undefined;
      if (action !== undefined) yield [reader, action];
    }
  }

  /** Everybody for whom a schema is there at all. */
  *knowing(schemaId: string): Generator<Who> {
    const view = this.#view();
    for (const reader of this.all()) if (knowsSchema(view, reader, schemaId)) yield reader;
  }

  #owners({ before, after }: ObjectMessage): ReadonlySet<Who> {
    const ids = [before?._owner ?? null, after?._owner ?? null];
    return new Set(ids.flatMap((id) => (id === null ? [] : [...this.ofPrincipal(id)])));
  }

  #readersOf(schema: string): SchemaReaders<Who> {
    const known = this.#schemas.get(schema);
    if (known !== undefined) return known;
    const made: SchemaReaders<Who> = { classes: new Map(), classOf: new Map() };
    this.#schemas.set(schema, made);
    for (const reader of this.all()) this.#place(schema, made, reader);
    return made;
  }

  #place(schema: string, { classes, classOf }: SchemaReaders<Who>, reader: Who): void {
    const decision = decideRead(this.#view(), reader, schema);
    // Own rows are judged beside the classes.
    if (!decision.allowed || decision.rows.op === 'false') return;
    const key = viewClassKey({ decision, face: 'registers', wire: 'push' });
    const existing = classes.get(key) ?? { decision, members: new Set() };
    existing.members.add(reader);
    classes.set(key, existing);
    classOf.set(reader, key);
  }
}

function takeOut<Who extends Reader>({ classes, classOf }: SchemaReaders<Who>, reader: Who): void {
  const key = classOf.get(reader);
  if (key === undefined) return;
  classOf.delete(reader);
  const members = classes.get(key)?.members;
  members?.delete(reader);
  if (members?.size === 0) classes.delete(key);
}

/** What an event is to those of a decision; undefined: they do not hear of it. `owning`: own rows pass. */
function judgeFor(
  { action, before, after }: ObjectMessage,
  nowMs: number,
  decision: Granted,
  owning: boolean,
): PushAction | undefined {
  const sees = (image: ObjectImage): boolean =>
    owning ? isVisibleAt(decision, image, nowMs) : passesRules(decision, image, nowMs);
  const saw = (image: ObjectImage): boolean =>
    decision.usesNow && evaluateDuring(decision.rows, image, parseInstant(image._updated) ?? nowMs, nowMs);
  const seenBefore = before === null ? 'none' : sees(before) ? 'now' : saw(before) ? 'once' : 'hidden';
  const seenAfter = after === null ? 'none' : sees(after) ? 'now' : 'hidden';
  const transition = decideTransition(action, seenBefore, seenAfter);
  return transition === undefined ? undefined : ACTIONS[transition];
}
