import { randomUUID } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { FieldError, ObjectImage, Principal } from '@tidewire/contract';
import { checkWrite, isVisibleAt } from '@tidewire/policy';
import type { Decision, Granted } from '@tidewire/policy';
import type { PrincipalContext, Provenance } from '@tidewire/service-kit';
import type { Judgement, Turn } from '../rights/judgement.ts';
import {
  contextOf,
  decide,
  findTarget,
  forbidden,
  knowsOf,
  notFound,
  presentObject,
  refusedWrite,
} from './object-access.ts';
import type { Target } from './object-access.ts';
import type { ObjectBody } from './object-body.ts';
import type { Address, PresentedObject } from './object-reader.ts';
import { ConcurrentChange } from './object-repository.ts';
import type { ObjectRepository, WriteResult } from './object-repository.ts';
import type { ObjectChecks, ObjectValidator } from './object-validator.ts';
import type { OutboxPressure } from './outbox-pressure.ts';

export interface ObjectWriterOptions {
  readonly judgement: Judgement;
  readonly repository: ObjectRepository;
  readonly validator: ObjectValidator;
  readonly pressure: OutboxPressure;
  /** Called after each commit: there are events to publish. */
  readonly onCommit: () => void;
}

/** Who writes, on what behalf. */
export interface WriteRequest {
  readonly who: PrincipalContext;
  readonly address: Address;
  readonly correlationId: string;
  readonly traceparent: string;
}

/** A write of an object that exists. `merge`: RFC 7396; `replace`: the whole object. */
export interface Change {
  readonly uuid: string;
  readonly mode: 'merge' | 'replace';
  readonly body: ObjectBody;
}

/** What was created, and where it is. */
export interface CreatedObject extends PresentedObject {
  readonly uuid: string;
  readonly registerSlug: string;
  readonly schemaSlug: string;
}

/** Writes objects: one statement each, judged on both images before it is committed. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /** Creates an object owned by the caller, in its active organisation. */
  async create(request: WriteRequest, body: ObjectBody): Promise<CreatedObject> {
    const uuid = randomUUID();
    return await this.#judge(request, async (turn, target) => {
      const organisation = organisationFor(turn, body);
      const decision = decide(turn, target, 'create', organisation ?? undefined);
      if (!decision.allowed) throw knowsOf(turn, target) ? forbidden() : notFound(turn);
      const checks = this.#options.validator.checksOf(target.schema);
      const members = checks.withDefaults(body.members);
      const properties = withoutNulls(members);
      refuseInvalid([...checks.check(members), ...checks.missing(properties)]);
      return await this.#options.repository.transaction(provenanceOf(turn, request), async (transaction) => {
        const owner = turn.principal?.id ?? null;
        const object = { uuid, organisation, owner, properties };
        const { after, barrier } = await transaction.insert(contextOf(turn, target), object);
        if (after === null) throw new Error('the insert returned no image');
        // What the schema says of itself needs no right of the caller.
        const changedFields = Object.keys(withoutNulls(body.members));
        const verdict = checkWrite({ decision, before: null, after, changedFields, nowMs: turn.nowMs });
        if (!verdict.ok) throw refusedWrite(verdict);
        await turn.confirm(barrier);
        const presented = present(decide(turn, target, 'read'), after, turn.nowMs);
        return { ...presented, uuid, registerSlug: target.register.slug, schemaSlug: target.schema.slug };
      });
    });
  }

  /**
   * @throws TidewireError NOT_FOUND when it is absent or unreadable, FORBIDDEN when it is readable, STALE_VERSION when it
   *   is not the version that the client read.
   */
  async change(request: WriteRequest, given: Change): Promise<PresentedObject> {
    return await this.#judge(request, async (turn, target) => {
      const decision = decide(turn, target, 'update');
      if (!decision.allowed) throw await this.#deniedOutright(turn, target, given.uuid);
      const read = decide(turn, target, 'read');
      const checks = this.#options.validator.checksOf(target.schema);
      const change = given.mode === 'replace' ? withReadableDefaults(checks, given, read) : given;
      const problems = checks.check(finalMembers(change));
      if (problems.length > 0) await this.#requireKnown(turn, target, change.uuid, decision);
      refuseInvalid(problems);
      return await this.#options.repository.transaction(provenanceOf(turn, request), async (transaction) => {
        const result = await transaction.update(contextOf(turn, target), {
          uuid: change.uuid,
          decision,
          version: change.body.version,
          mode: change.mode,
          reader: read.allowed ? read : undefined,
          properties: change.mode === 'merge' ? change.body.members : withoutNulls(change.body.members),
        });
        const { after } = requireWritten({ turn, decision, read, version: change.body.version }, result);
        if (after === null) throw new Error('the update returned no image');
        refuseInvalid(mergedProblems(checks, change, after));
        const verdict = checkWrite({ decision, before: result.before, after, nowMs: turn.nowMs });
        if (!verdict.ok) throw refusedWrite(verdict);
        await turn.confirm(result.barrier);
        return present(read, after, turn.nowMs);
      });
    });
  }

  /** Deletes an object; its version goes on if the same uuid is ever used again. */
  async remove(request: WriteRequest, uuid: string, version: number | undefined): Promise<void> {
    await this.#judge(request, async (turn, target) => {
      const decision = decide(turn, target, 'delete');
      if (!decision.allowed) throw await this.#deniedOutright(turn, target, uuid);
      const read = decide(turn, target, 'read');
      await this.#options.repository.transaction(provenanceOf(turn, request), async (transaction) => {
        const result = await transaction.remove(contextOf(turn, target), { uuid, decision, version });
        requireWritten({ turn, decision, read, version }, result);
        const verdict = checkWrite({ decision, before: result.before, after: null, nowMs: turn.nowMs });
        if (!verdict.ok) throw refusedWrite(verdict);
        await turn.confirm(result.barrier);
      });
    });
  }

  async #judge<Result>(
    { who, address }: WriteRequest,
    attempt: (turn: Turn, target: Target) => Promise<Result>,
  ): Promise<Result> {
    const { judgement, pressure, onCommit } = this.#options;
    await pressure.admit();
    const result = await judgement.judge(who, async (turn) => {
      const target = findTarget(turn.view, address.register, address.schema);
      if (target === undefined) throw notFound(turn);
      return await attempt(turn, target);
    });
    onCommit();
    return result;
  }

  /** No row of the schema may be written by the caller: whether this one exists is only for those who may read it. */
  async #deniedOutright(turn: Turn, target: Target, uuid: string): Promise<TidewireError> {
    return (await this.#mayRead(turn, target, uuid)) ? forbidden() : notFound(turn);
  }

  /** What is wrong with a body tells what the schema is like: not to who may only write what is theirs, and has nothing here. */
  async #requireKnown(turn: Turn, target: Target, uuid: string, update: Granted): Promise<void> {
    if (update.rows.op !== 'false' || knowsOf(turn, target)) return;
    if (!(await this.#mayRead(turn, target, uuid))) throw notFound(turn);
  }

  async #mayRead(turn: Turn, target: Target, uuid: string): Promise<boolean> {
    const read = decide(turn, target, 'read');
    if (!read.allowed) return false;
    const { image } = await this.#options.repository.read(contextOf(turn, target), uuid);
    return image !== null && isVisibleAt(read, image, turn.nowMs);
  }
}

interface Expectation {
  readonly turn: Turn;
  readonly decision: Granted;
  readonly read: Decision;
  readonly version: number | undefined;
}

/** Says why a statement wrote nothing: absent and unreadable, then forbidden, then stale. */
function requireWritten({ turn, decision, read, version }: Expectation, result: WriteResult): WriteResult {
  const { before, written } = result;
  if (written) return result;
  if (before === null) throw notFound(turn);
  if (!isVisibleAt(decision, before, turn.nowMs)) {
    throw read.allowed && isVisibleAt(read, before, turn.nowMs) ? forbidden() : notFound(turn);
  }
  if (version !== undefined && before._version !== version) {
    throw new TidewireError('STALE_VERSION', `The object has version ${before._version} by now.`);
  }
  // The statement looked at an older row than the one it then waited for.
  throw new ConcurrentChange();
}

/** Nobody may choose an organisation but administrators, who may also choose none. */
function organisationFor(turn: Turn, body: ObjectBody): string | null {
  const { principal, view } = turn;
  const active = principal?.activeOrganisation ?? null;
  if (principal?.admin !== true || body.organisation === undefined) return active;
  if (body.organisation === null) return null;
  const organisation = view.organisation(body.organisation);
  if (organisation !== undefined && !organisation.removed) return organisation.id;
  throw new TidewireError('VALIDATION_ERROR', 'The body is not valid.', {
    errors: [{ field: '/_organisation', message: 'is not the id of an organisation' }],
  });
}

/** Members whose stored value is known before the write: all but objects that are merged into objects. */
function finalMembers({ mode, body }: Change): Record<string, unknown> {
  if (mode === 'replace') return body.members;
  return pick(body.members, (value) => !isMergeable(value));
}

/**
 * A replacement, completed with defaults. Only of what the writer may read on every row: what it may not read stays as it
 * is, and a default would take its place.
 */
function withReadableDefaults(checks: ObjectChecks, change: Change, read: Decision): Change {
  if (!read.allowed) return change;
  const { names, conditions } = read.reads;
  const readable = new Set(names.filter((_, index) => conditions[index]?.op === 'true'));
  return {
    ...change,
    body: { ...change.body, members: checks.withDefaults(change.body.members, readable) },
  };
}

/** What is wrong with an object once a change was merged into it. Values that the client did not send are not looked at. */
function mergedProblems(checks: ObjectChecks, { mode, body }: Change, after: ObjectImage): FieldError[] {
  const missing = checks.missing(after);
  if (mode === 'replace') return missing;
  const merged = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(body.members))
    if (isMergeable(value)) merged[name] = after[name];
  return [...checks.check(merged), ...missing];
}

function isMergeable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutNulls(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return pick(members, (value) => value !== null);
}

function pick(
  members: Readonly<Record<string, unknown>>,
  keep: (value: unknown) => boolean,
): Record<string, unknown> {
  const picked = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(members)) if (keep(value)) picked[name] = value;
  return picked;
}

function refuseInvalid(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new TidewireError('VALIDATION_ERROR', 'The object is not valid.', { errors });
}

/** What the writer may see of what it wrote; whoever may not read it learns its version. */
function present(read: Decision, after: ObjectImage, nowMs: number): PresentedObject {
  const object = presentObject(read, after, nowMs) ?? {
    id: after._uuid,
    _uuid: after._uuid,
    _version: after._version,
  };
  return { object, version: after._version };
}

/** What the events of a write say about its cause. */
export function provenanceOf(turn: Turn, { correlationId, traceparent }: WriteRequest): Provenance {
  return { actor: actorOf(turn.principal), correlationId, traceparent };
}

function actorOf(principal: Principal | null): Provenance['actor'] {
  if (principal === null) throw new TypeError('nobody writes anonymously');
  return { id: principal.id, name: principal.name, organisation: principal.activeOrganisation };
}
