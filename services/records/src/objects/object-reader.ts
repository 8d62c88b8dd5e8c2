import type { FieldTypes } from '@tidewire/condition';
import { TidewireError, formatEventId } from '@tidewire/contract';
import type { ObjectList } from '@tidewire/contract';
import type { PrincipalContext } from '@tidewire/service-kit';
import type { Judgement, Turn } from '../rights/judgement.ts';
import { parseListQuery } from './list-query.ts';
import type { Entries, ListRequest } from './list-terms.ts';
import { contextOf, decide, findTarget, knowsOf, notFound, presentObject, project } from './object-access.ts';
import type { Address, PresentedObject } from './object-access.ts';
import type { ListQuery, ObjectRepository } from './object-repository.ts';

export interface ObjectReaderOptions {
  readonly judgement: Judgement;
  readonly repository: ObjectRepository;
  readonly listMaxBytes: number;
}

/** A page as it was read, for a face to put into its own words. */
export interface ReadPage {
  readonly request: ListRequest;
  readonly objects: readonly PresentedObject[];
  readonly total: number;
  readonly position: string;
}

/** How a face reads its query, once it is known which fields the reader may name. */
export interface PageQuery {
  readonly parse: (types: FieldTypes) => ListRequest;
  /** An administrator's choice of one. */
  readonly organisation: string | undefined;
}

/** Reads objects for those who may read them. */
export class ObjectReader {
  readonly #options: ObjectReaderOptions;

  constructor(options: ObjectReaderOptions) {
    this.#options = options;
  }

  /** @throws TidewireError NOT_FOUND when it is absent or may not be read. */
  async get(who: PrincipalContext | null, address: Address, uuid: string): Promise<PresentedObject> {
    const { judgement, repository } = this.#options;
    return await judgement.judge(who, async (turn) => {
      const target = findTarget(turn.view, address);
      if (target === undefined) throw notFound(turn);
      const read = decide(turn, target, 'read');
      if (!read.allowed) throw notFound(turn);
      const { image, barrier } = await repository.read(contextOf(turn, target), uuid);
      await turn.confirm(barrier);
      const presented = image === null ? undefined : presentObject(read, image, turn.nowMs);
      if (presented === undefined) throw notFound(turn);
      return presented;
    });
  }

  /** A page of what may be read. `organisation`: an administrator's choice of one. */
  async list(
    who: PrincipalContext | null,
    address: Address,
    entries: Entries,
    organisation: string | undefined,
  ): Promise<ObjectList> {
    const parse = (types: FieldTypes): ListRequest => parseListQuery(entries, types);
    const { request, objects, total, position } = await this.page(who, address, { parse, organisation });
    return {
      results: objects.map(({ object }) => ({ id: String(object['id']), ...object })),
      total,
      page: request.page,
      pages: Math.ceil(total / request.limit),
      limit: request.limit,
      offset: request.offset,
      _position: position,
    };
  }

  /** The same for any face. */
  async page(who: PrincipalContext | null, address: Address, query: PageQuery): Promise<ReadPage> {
    return await this.#options.judgement.judge(who, (turn) => this.#pageOnce(turn, address, query));
  }

  async #pageOnce(turn: Turn, address: Address, { parse, organisation }: PageQuery): Promise<ReadPage> {
    const { repository, listMaxBytes } = this.#options;
    const target = findTarget(turn.view, address);
    if (target === undefined) throw notFound(turn);
    const decision = decide(turn, target, 'list', organisation);
    // Everybody may list what is theirs, on every schema: that alone must not tell that the schema exists.
    if (!decision.allowed || !knowsOf(turn, target)) throw notFound(turn);
    const request = parse(decision.types);
    const query: ListQuery = {
      decision,
      filter: request.filter,
      search:
        request.search === undefined
          ? undefined
          : { text: request.search, fields: textProperties(decision.reads.names, decision.types) },
      order: request.order,
      limit: request.limit,
      offset: request.offset,
      maxBytes: listMaxBytes,
    };
    const { images, total, position, barrier } = await repository.list(contextOf(turn, target), query);
    await turn.confirm(barrier);
    if (images === undefined) {
      throw new TidewireError('PAYLOAD_TOO_LARGE', 'The page is too large: ask for fewer rows with _limit.');
    }
    return {
      request,
      objects: images.map((image) => project(decision, image, turn.nowMs, request.fields)),
      total,
      position: formatEventId(position),
    };
  }
}

function textProperties(names: readonly string[], types: (field: string) => string | undefined): string[] {
  return names.filter((name) => types(name) === 'string');
}
