import { LIST_LIMITS, TidewireError } from '@tidewire/contract';
import type { GraphqlCatalogue } from '@tidewire/graphql';
import type { PrincipalContext } from '@tidewire/service-kit';
import { Gate } from '@tidewire/service-kit';
import DataLoader from 'dataloader';
import type { ObjectBody } from '../objects/object-body.ts';
import { readObjectBody } from '../objects/object-body.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import type { ObjectWriter, WriteRequest } from '../objects/object-writer.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { readListArguments } from './list-arguments.ts';
import type { ListArguments } from './list-arguments.ts';
import type { SlugsOf } from './operation-plan.ts';
import { toConnection } from './resolved-object.ts';
import type { Connection, ResolvedObject } from './resolved-object.ts';

/** Statements of one request that run at a time: others have requests, too. */
const STATEMENTS_AT_A_TIME = 4;
/** Where in the arguments of a mutation the properties of its object are, for refusals. */
const INPUT = { row: '', members: '/input' };

/** Who asks, as part of what. */
export interface Asker {
  readonly who: PrincipalContext | null;
  readonly correlationId: string;
  readonly traceparent: string;
}

export interface ExecutionOptions {
  readonly asker: Asker;
  readonly reader: Pick<ObjectReader, 'get' | 'page' | 'find'>;
  readonly writer: Pick<ObjectWriter, 'create' | 'change' | 'remove'>;
  readonly catalogue: GraphqlCatalogue;
  readonly slugsOf: SlugsOf;
  readonly budget: AnswerBudget;
}

/** Which object, and which version of it was read. */
export interface Chosen {
  readonly id: string;
  readonly version?: number | null;
}

type Loader = DataLoader<string, ResolvedObject | null>;

/**
 * One operation being executed: what its fields say, as requests to those who read and write for every face. It decides about
 * no right itself.
 */
export class Execution {
  readonly budget: AnswerBudget;
  readonly slugsOf: SlugsOf;
  readonly #options: ExecutionOptions;
  readonly #gate = new Gate(STATEMENTS_AT_A_TIME);
  readonly #loaders = new Map<string, Loader>();

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.budget = options.budget;
    this.slugsOf = options.slugsOf;
  }

  /** Null when there is none, or none that may be read. */
  async single(schemaId: string, id: string): Promise<ResolvedObject | null> {
    const { reader, asker } = this.#options;
    this.budget.takeRows(1);
    try {
      const presented = await this.#gate.run(() =>
        reader.get(asker.who, { table: schemaId }, id.toLowerCase()),
      );
      return { schemaId, presented };
    } catch (error) {
      if (isNotThere(error, asker)) return null;
      throw error;
    }
  }

  async list(schemaId: string, given: ListArguments): Promise<Connection> {
    const { reader, asker, catalogue } = this.#options;
    const parse = readListArguments(given, catalogue.fieldsOf(schemaId));
    const organisation = given.organisation?.toLowerCase();
    const page = await this.#gate.run(() =>
      reader.page(asker.who, { table: schemaId }, { parse, organisation, maxBytes: this.budget.bytesLeft }),
    );
    this.budget.noteRead(page.bytes);
    this.budget.takeRows(page.objects.length);
    return toConnection(schemaId, page);
  }

  /** Those of these objects that exist and may be read, in this order; asked for together with all that is asked for at the same time. */
  async related(schemaId: string, ids: readonly string[]): Promise<readonly ResolvedObject[]> {
    this.budget.takeRows(ids.length);
    if (this.budget.signal.aborted) return [];
    const loader = this.#loaders.get(schemaId) ?? this.#createLoader(schemaId);
    this.#loaders.set(schemaId, loader);
    const loaded = await Promise.all(ids.map((id) => loader.load(id.toLowerCase())));
    return loaded.filter((object) => object !== null);
  }

  async create(
    schemaId: string,
    input: Readonly<Record<string, unknown>>,
    organisation: string | null | undefined,
  ): Promise<ResolvedObject> {
    const body = {
      ...this.#bodyOf(schemaId, input),
      organisation: organisation?.toLowerCase(),
    };
    const [presented] = await this.#options.writer.create(this.#write(schemaId), [body]);
    return resolved(schemaId, presented);
  }

  /** Null takes a value away; what is not given stays. */
  async update(
    schemaId: string,
    { id, version }: Chosen,
    input: Readonly<Record<string, unknown>>,
  ): Promise<ResolvedObject> {
    const body = { ...this.#bodyOf(schemaId, input), version: version ?? undefined };
    const change = { uuid: id.toLowerCase(), body };
    const [presented] = await this.#options.writer.change(this.#write(schemaId), 'merge', [change]);
    return resolved(schemaId, presented);
  }

  async remove(schemaId: string, { id, version }: Chosen, permanent: boolean): Promise<{ _uuid: string }> {
    const uuid = id.toLowerCase();
    const objects = [{ uuid, version: version ?? undefined }];
    await this.#options.writer.remove(this.#write(schemaId), { objects, permanent });
    return { _uuid: uuid };
  }

  #write(schemaId: string): WriteRequest {
    const { who, correlationId, traceparent } = this.#options.asker;
    if (who === null) {
      throw new TidewireError(
        'UNAUTHORIZED',
        'Send a credential: "Authorization: Bearer <token>" or a session.',
      );
    }
    // What was loaded before the write may be another thing after it.
    this.#loaders.clear();
    return { who, correlationId, traceparent, address: { table: schemaId }, placeOf: () => INPUT };
  }

  /** The properties of an input by their own names. */
  #bodyOf(schemaId: string, input: Readonly<Record<string, unknown>>): ObjectBody {
    const members = Object.create(null) as Record<string, unknown>;
    for (const { field, name } of this.#options.catalogue.fieldsOf(schemaId)?.properties ?? []) {
      if (Object.hasOwn(input, field)) members[name] = input[field];
    }
    return readObjectBody(members, undefined);
  }

  #createLoader(schemaId: string): Loader {
    return new DataLoader((ids) => this.#load(schemaId, ids), { maxBatchSize: LIST_LIMITS.maxLimit });
  }

  async #load(schemaId: string, ids: readonly string[]): Promise<(ResolvedObject | null)[]> {
    const { reader, asker } = this.#options;
    try {
      const { objects, bytes } = await this.#gate.run(() =>
        reader.find(asker.who, { table: schemaId }, { uuids: ids, maxBytes: this.budget.bytesLeft }),
      );
      this.budget.noteRead(bytes);
      return ids.map((id) => {
        const presented = objects.get(id);
        return presented === undefined ? null : { schemaId, presented };
      });
    } catch (error) {
      if (isNotThere(error, asker)) return ids.map(() => null);
      throw error;
    }
  }
}

function resolved(schemaId: string, presented: ResolvedObject['presented'] | undefined): ResolvedObject {
  if (presented === undefined) throw new Error('the write answered nothing');
  return { schemaId, presented };
}

/** Who is nobody is told to say who it is, in place of "not found". */
function isNotThere(error: unknown, { who }: Asker): boolean {
  if (!(error instanceof TidewireError)) return false;
  return error.code === (who === null ? 'UNAUTHORIZED' : 'NOT_FOUND');
}
