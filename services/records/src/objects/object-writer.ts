import { randomUUID } from 'node:crypto';
import type { Principal, TidewireError } from '@tidewire/contract';
import { checkWrite, isVisibleAt } from '@tidewire/policy';
import type { PrincipalContext, Provenance } from '@tidewire/service-kit';
import type { Judgement, Turn } from '../rights/judgement.ts';
import {
  contextOf,
  decide,
  findTarget,
  forbidden,
  isAdministrator,
  knowsOf,
  notFound,
} from './object-access.ts';
import type { Address, PresentedObject } from './object-access.ts';
import type { ObjectBody } from './object-body.ts';
import { completeChanges, faultsOf, updateObjects } from './object-change.ts';
import type { Change, Changes } from './object-change.ts';
import { insertObjects, prepareCreations } from './object-create.ts';
import type { ChangeKind } from './object-members.ts';
import { transferObject } from './object-owner.ts';
import type { Transfer } from './object-owner.ts';
import { RefusedObject } from './object-repository.ts';
import type { ObjectRepository, ObjectTransaction, Precondition } from './object-repository.ts';
import { restoreObjects } from './object-restore.ts';
import { prepareUpsert, upsertObjects } from './object-upsert.ts';
import type { Upsert, UpsertResult } from './object-upsert.ts';
import { withSystemNames } from './object-validator.ts';
import type { ObjectValidator } from './object-validator.ts';
import type { OutboxPressure } from './outbox-pressure.ts';
import { refusalAt, refuseInvalid, requireAllowed, requireWritten } from './write-scope.ts';
import type { BodyPlace, WriteScope } from './write-scope.ts';

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
  /** Where in the body the object at an index stands; absent: the body is the object. */
  readonly placeOf?: (index: number) => BodyPlace;
  /** Names that only the system writes, where the schema has no property of that name. */
  readonly systemNames?: ReadonlySet<string>;
}

/** What was created, and where it is. */
export interface CreatedObject extends PresentedObject {
  readonly uuid: string;
  readonly registerSlug: string;
  readonly schemaSlug: string;
}

/** What is deleted; `permanent`: nothing is left to restore. */
export interface Removal {
  /** None of them twice. */
  readonly objects: readonly Precondition[];
  readonly permanent?: boolean;
}

const WHOLE_BODY: BodyPlace = { row: '', members: '' };

/**
 * Writes objects: all that a request names or none, in one transaction with a statement per kind of write, each judged on
 * both of its images before it is committed.
 */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /** Creates objects owned by the caller, in its active organisation. */
  async create(request: WriteRequest, bodies: readonly ObjectBody[]): Promise<readonly CreatedObject[]> {
    const creations = bodies.map((body, index) => ({ index, uuid: randomUUID(), body }));
    return await this.#judge(request, async (scope) => {
      const prepared = prepareCreations(scope, creations);
      const presented = await this.#transaction(scope, request, (transaction) =>
        insertObjects(scope, transaction, prepared),
      );
      const { register, schema } = scope.target;
      return presented.map((one, index) => ({
        ...one,
        uuid: prepared[index]?.uuid ?? '',
        registerSlug: register.slug,
        schemaSlug: schema.slug,
      }));
    });
  }

  /**
   * Changes objects, none of them twice.
   *
   * @throws TidewireError NOT_FOUND when one is absent or unreadable, FORBIDDEN when it is readable, STALE_VERSION or
   *   CONFLICT when it is not what the client read.
   */
  async change(
    request: WriteRequest,
    mode: ChangeKind,
    given: readonly Omit<Change, 'index'>[],
  ): Promise<readonly PresentedObject[]> {
    const changes = given.map((change, index): Change => ({ ...change, index }));
    return await this.#judge(request, async (scope) => {
      const { turn, target } = scope;
      const decision = decide(turn, target, 'update');
      if (!decision.allowed) throw await this.#deniedOutright(scope, changes[0]?.uuid);
      const read = decide(turn, target, 'read');
      const complete = completeChanges(scope, { decision, read, mode, changes });
      await this.#refuseFaults(scope, complete);
      return await this.#transaction(scope, request, (transaction) =>
        updateObjects(scope, transaction, complete),
      );
    });
  }

  /** Deletes objects, none of them named twice; their versions go on if the same uuids are ever used again. */
  async remove(request: WriteRequest, { objects, permanent = false }: Removal): Promise<void> {
    await this.#judge(request, async (scope) => {
      const { turn, target, context } = scope;
      const decision = decide(turn, target, 'delete');
      if (!decision.allowed) throw await this.#deniedOutright(scope, objects[0]?.uuid);
      const read = decide(turn, target, 'read');
      await this.#transaction(scope, request, async (transaction) => {
        const { outcomes, barrier } = await transaction.remove(context, { decision, objects, permanent });
        for (const [index, outcome] of outcomes.entries()) {
          const { uuid, version, updatedMs } = objects[index] ?? { uuid: '', version: undefined };
          requireWritten(scope, { index, uuid, version, updatedMs, decision, read }, outcome);
          const write = { decision, before: outcome.before, after: null, nowMs: turn.nowMs };
          requireAllowed(scope, index, checkWrite(write));
        }
        await turn.confirm(barrier);
      });
    });
  }

  /**
   * Gives an object another owner: a change of rights, so for administrators with an unlimited credential.
   *
   * @throws TidewireError NOT_FOUND when it is absent or unreadable, FORBIDDEN when it is readable, STALE_VERSION.
   */
  async transfer(request: WriteRequest, transfer: Transfer): Promise<PresentedObject> {
    return await this.#judge(request, async (scope) => {
      const decision = decide(scope.turn, scope.target, 'update');
      if (!decision.allowed || !isAdministrator(scope.turn))
        throw await this.#deniedOutright(scope, transfer.uuid);
      return await this.#transaction(scope, request, (transaction) =>
        transferObject(scope, transaction, { decision, transfer }),
      );
    });
  }

  /** Changes the objects that have the keys of `upsert`, creates those that there are not. Atomic against other upserts. */
  async upsert(request: WriteRequest, upsert: Upsert): Promise<UpsertResult> {
    return await this.#judge(request, async (scope) => {
      const prepared = prepareUpsert(scope, upsert);
      return await this.#transaction(scope, request, (transaction) =>
        upsertObjects(scope, transaction, prepared),
      );
    });
  }

  /** Brings deleted objects back, none of them named twice. */
  async restore(request: WriteRequest, uuids: readonly string[]): Promise<readonly PresentedObject[]> {
    return await this.#judge(request, (scope) =>
      this.#transaction(scope, request, (transaction) => restoreObjects(scope, transaction, uuids)),
    );
  }

  async #judge<Result>(
    { who, address, placeOf = () => WHOLE_BODY, systemNames }: WriteRequest,
    attempt: (scope: WriteScope) => Promise<Result>,
  ): Promise<Result> {
    const { judgement, pressure, validator, onCommit } = this.#options;
    await pressure.admit();
    const result = await judgement.judge(who, async (turn) => {
      const target = findTarget(turn.view, address);
      // As for one that may not be known: the first row is not there.
      if (target === undefined) throw refusalAt({ placeOf }, 0, notFound(turn));
      const known = validator.checksOf(target.schema);
      const checks = systemNames === undefined ? known : withSystemNames(known, systemNames);
      const context = contextOf(turn, target);
      return await attempt({ turn, target, context, checks, placeOf, written: new Map() });
    });
    onCommit();
    return result;
  }

  async #transaction<Result>(
    scope: WriteScope,
    request: WriteRequest,
    work: (transaction: ObjectTransaction) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#options.repository.transaction(provenanceOf(scope.turn, request), work);
    } catch (error) {
      const index = error instanceof RefusedObject ? scope.written.get(error.uuid) : undefined;
      throw error instanceof RefusedObject && index !== undefined ? refusalAt(scope, index, error) : error;
    }
  }

  /** No row of the schema may be written by the caller: whether this one exists is only for those who may read it. */
  async #deniedOutright(scope: WriteScope, uuid: string | undefined): Promise<TidewireError> {
    const readable = uuid !== undefined && (await this.#mayRead(scope, uuid));
    return refusalAt(scope, 0, readable ? forbidden() : notFound(scope.turn));
  }

  /** What is wrong with a body tells what the schema is like: not to who may only write what is theirs, and has nothing here. */
  async #refuseFaults(scope: WriteScope, changes: Changes): Promise<void> {
    const faults = faultsOf(scope, changes);
    if (changes.decision.rows.op === 'false' && !knowsOf(scope.turn, scope.target)) {
      for (const { uuid, index } of faults.size === 0 ? [] : changes.changes) {
        // One at a time: there are as many as a request may change, and hardly anybody comes here.
        if (!(await this.#mayRead(scope, uuid))) throw refusalAt(scope, index, notFound(scope.turn));
      }
    }
    refuseInvalid([...faults.values()].flat());
  }

  async #mayRead({ turn, target, context }: WriteScope, uuid: string): Promise<boolean> {
    const read = decide(turn, target, 'read');
    if (!read.allowed) return false;
    const { image } = await this.#options.repository.read(context, uuid);
    return image !== null && isVisibleAt(read, image, turn.nowMs);
  }
}

/** What the events of a write say about its cause. */
export function provenanceOf(turn: Turn, { correlationId, traceparent }: WriteRequest): Provenance {
  return { actor: actorOf(turn.principal), correlationId, traceparent };
}

function actorOf(principal: Principal | null): Provenance['actor'] {
  if (principal === null) throw new TypeError('nobody writes anonymously');
  return { id: principal.id, name: principal.name, organisation: principal.activeOrganisation };
}
