import { TidewireError, formatEventId } from '@tidewire/contract';
import type { ObjectList } from '@tidewire/contract';
import type { PrincipalContext } from '@tidewire/service-kit';
import type { Judgement, Turn } from '../rights/judgement.ts';
import { parseListQuery } from './list-query.ts';
import { contextOf, decide, findTarget, knowsOf, notFound, presentObject, project } from './object-access.ts';
import type { Address } from './object-access.ts';
import type { ListQuery, ObjectRepository } from './object-repository.ts';

export interface ObjectReaderOptions {
  readonly judgement: Judgement;
  readonly repository: ObjectRepository;
  readonly listMaxBytes: number;
}

type Entries = readonly (readonly [name: string, value: string])[];

/** An object as it is answered. */
export interface PresentedObject {
  readonly object: Record<string, unknown>;
  readonly version: number;
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
      const object = image === null ? undefined : presentObject(read, image, turn.nowMs);
      if (image === null || object === undefined) throw notFound(turn);
      return { object, version: image._version };
    });
  }

  /** A page of what may be read. `organisation`: an administrator's choice of one. */
  async list(
    who: PrincipalContext | null,
    address: Address,
    entries: Entries,
    organisation: string | undefined,
  ): Promise<ObjectList> {
    return await this.#options.judgement.judge(who, (turn) =>
      this.#listOnce(turn, address, entries, organisation),
    );
  }

  async #listOnce(
    turn: Turn,
    address: Address,
    entries: Entries,
    organisation: string | undefined,
  ): Promise<ObjectList> {
    const { repository, listMaxBytes } = this.#options;
    const target = findTarget(turn.view, address);
    if (target === undefined) throw notFound(turn);
    const decision = decide(turn, target, 'list', organisation);
    // Everybody may list what is theirs, on every schema: that alone must not tell that the schema exists.
    if (!decision.allowed || !knowsOf(turn, target)) throw notFound(turn);
    const request = parseListQuery(entries, decision.types);
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
      results: images.map((image) => ({
        id: image._uuid,
        ...project(decision, image, turn.nowMs, request.fields),
      })),
      total,
      page: request.page,
      pages: Math.ceil(total / request.limit),
      limit: request.limit,
      offset: request.offset,
      _position: formatEventId(position),
    };
  }
}

function textProperties(names: readonly string[], types: (field: string) => string | undefined): string[] {
  return names.filter((name) => types(name) === 'string');
}
