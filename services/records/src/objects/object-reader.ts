import { oneOf } from '@tidewire/condition';
import type { FieldTypes } from '@tidewire/condition';
import { TidewireError, formatEventId } from '@tidewire/contract';
import type { ObjectList } from '@tidewire/contract';
import type { PrincipalContext } from '@tidewire/service-kit';
import type { Judgement, Turn } from '../rights/judgement.ts';
import { parseListQuery } from './list-query.ts';
import type { Entries, ListRequest } from './list-terms.ts';
import {
  contextOf,
  decide,
  findTarget,
  knowsOf,
  notFound,
  presentDeleted,
  presentObject,
  project,
} from './object-access.ts';
import type { Address, PresentedObject } from './object-access.ts';
import { readChanges } from './object-poll.ts';
import type { PollPage } from './object-poll.ts';
import type { ObjectRepository, StoredImage } from './object-repository.ts';

export interface ObjectReaderOptions {
  readonly judgement: Judgement;
  readonly repository: ObjectRepository;
  readonly listMaxBytes: number;
}

/** An object as it was read; `position` is the place in the log that it includes. */
export interface ReadObject extends PresentedObject {
  readonly position: string;
}

/** A page as it was read, for a face to put into its own words. */
export interface ReadPage {
  readonly request: ListRequest;
  readonly objects: readonly PresentedObject[];
  /** Bytes of their properties as they are stored; 0 of a poll. */
  readonly bytes: number;
  readonly total: number;
  readonly position: string;
  /** Where a poll goes on; undefined: it is a page of the list itself. */
  readonly poll: Pick<PollPage, 'next' | 'more' | 'resync'> | undefined;
}

/** How a face reads its query, once it is known which fields the reader may name. */
export interface PageQuery {
  readonly parse: (types: FieldTypes) => ListRequest;
  /** An administrator's choice of one. */
  readonly organisation: string | undefined;
  /** Bytes of properties at most, where that is less than any list may have. */
  readonly maxBytes?: number;
}

/** Objects that were asked for by their uuids: those that exist and may be read. */
export interface FoundObjects {
  readonly objects: ReadonlyMap<string, PresentedObject>;
  /** Bytes of their properties as they are stored. */
  readonly bytes: number;
}

/** Reads objects for those who may read them. */
export class ObjectReader {
  readonly #options: ObjectReaderOptions;

  constructor(options: ObjectReaderOptions) {
    this.#options = options;
  }

  /** @throws TidewireError NOT_FOUND when it is absent or may not be read. */
  async get(who: PrincipalContext | null, address: Address, uuid: string): Promise<ReadObject> {
    const { judgement, repository } = this.#options;
    return await judgement.judge(who, async (turn) => {
      const target = findTarget(turn.view, address);
      if (target === undefined) throw notFound(turn);
      const read = decide(turn, target, 'read');
      if (!read.allowed) throw notFound(turn);
      const { image, barrier } = await repository.read(contextOf(turn, target), uuid);
      await turn.confirm(barrier);
      const presented = image === null ? undefined : presentObject(turn, read, image);
      if (presented === undefined) throw notFound(turn);
      return { ...presented, position: formatEventId(barrier.position) };
    });
  }

  /**
   * As many objects as a page has, by their uuids, in one statement. It decides about each as `get` does.
   *
   * @throws TidewireError NOT_FOUND when none of the schema may be read, PAYLOAD_TOO_LARGE.
   */
  async find(
    who: PrincipalContext | null,
    address: Address,
    { uuids, maxBytes }: { readonly uuids: readonly string[]; readonly maxBytes: number },
  ): Promise<FoundObjects> {
    const { judgement, repository } = this.#options;
    return await judgement.judge(who, async (turn) => {
      const target = findTarget(turn.view, address);
      const decision = target === undefined ? undefined : decide(turn, target, 'read');
      if (target === undefined || decision?.allowed !== true) throw notFound(turn);
      const { images, bytes, barrier } = await repository.list(contextOf(turn, target), {
        decision,
        filter: oneOf('in', '_uuid', uuids),
        search: undefined,
        order: [],
        limit: uuids.length,
        offset: 0,
        maxBytes: this.#bytesOf(maxBytes),
      });
      await turn.confirm(barrier);
      if (images === undefined) throw tooLarge();
      return {
        objects: new Map(images.map((image) => [image._uuid, project(turn, decision, image)])),
        bytes,
      };
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
    const { request, objects, total, position, poll } = await this.page(who, address, {
      parse,
      organisation,
    });
    return {
      results: objects.map(({ object }) => ({ id: String(object['id']), ...object })),
      total,
      page: request.page,
      pages: Math.ceil(total / request.limit),
      limit: request.limit,
      offset: request.offset,
      ...(poll === undefined ? {} : { _more: poll.more }),
      ...(poll?.resync === undefined ? {} : { _resync: { reason: poll.resync } }),
      _position: position,
      ...(poll === undefined ? {} : { _next: poll.next }),
    };
  }

  /** The same for any face. */
  async page(who: PrincipalContext | null, address: Address, query: PageQuery): Promise<ReadPage> {
    return await this.#options.judgement.judge(who, (turn) => this.#pageOnce(turn, address, query));
  }

  #bytesOf(maxBytes = this.#options.listMaxBytes): number {
    return Math.min(maxBytes, this.#options.listMaxBytes);
  }

  async #pageOnce(turn: Turn, address: Address, query: PageQuery): Promise<ReadPage> {
    const { parse, organisation, maxBytes } = query;
    const { repository } = this.#options;
    const target = findTarget(turn.view, address);
    if (target === undefined) throw notFound(turn);
    const decision = decide(turn, target, 'list', organisation);
    // Everybody may list what is theirs, on every schema: that alone must not tell that the schema exists.
    if (!decision.allowed || !knowsOf(turn, target)) throw notFound(turn);
    const request = parse(decision.types);
    const context = contextOf(turn, target);
    const selection = {
      decision,
      filter: request.filter,
      search:
        request.search === undefined
          ? undefined
          : { text: request.search, fields: textProperties(decision.reads.names, decision.types) },
      limit: request.limit,
      maxBytes: this.#bytesOf(maxBytes),
    };
    const present = (image: StoredImage): PresentedObject => project(turn, decision, image, request.fields);
    if (request.poll !== undefined) {
      const page = await readChanges(repository, turn, context, { ...selection, ...request.poll });
      return {
        request,
        objects: page.rows.map((row) => (row.deleted ? presentDeleted(row) : present(row.image))),
        bytes: 0,
        total: page.total,
        position: formatEventId(page.position),
        poll: page,
      };
    }
    const { order, offset } = request;
    const { images, bytes, total, position, barrier } = await repository.list(context, {
      ...selection,
      order,
      offset,
    });
    await turn.confirm(barrier);
    if (images === undefined) throw tooLarge();
    return {
      request,
      objects: images.map(present),
      bytes,
      total,
      position: formatEventId(position),
      poll: undefined,
    };
  }
}

function tooLarge(): TidewireError {
  return new TidewireError('PAYLOAD_TOO_LARGE', 'The page is too large: ask for fewer rows.');
}

function textProperties(names: readonly string[], types: (field: string) => string | undefined): string[] {
  return names.filter((name) => types(name) === 'string');
}
