import type { ObjectType, RightsState } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { LogFields, Logger, PrincipalContext } from '@tidewire/service-kit';
import { CurrentCatalogue } from '@tidewire/graphql';
import { createGraphqlHandler } from '../src/graphql/graphql-handler.ts';
import type { GraphqlHandlerOptions, GraphqlHttpAnswer } from '../src/graphql/graphql-handler.ts';
import type { Introspection } from '../src/graphql/introspection.ts';
import { OperationPlanner } from '../src/graphql/operation-plan.ts';
import { PersistedQueries } from '../src/graphql/persisted-queries.ts';
import type { PresentedObject } from '../src/objects/object-access.ts';
import type { ObjectBody } from '../src/objects/object-body.ts';
import type { FoundObjects, PageQuery, ReadObject, ReadPage } from '../src/objects/object-reader.ts';
import type { CreatedObject, WriteRequest } from '../src/objects/object-writer.ts';
import { member, schemaState, viewWith } from './rights.ts';

export const MELDINGEN = '10000000-0000-4000-8000-0000000000e1';
export const BESLUITEN = '10000000-0000-4000-8000-0000000000e2';

const uuid = { type: 'string', format: 'uuid' } as const;
const SCHEMAS: readonly Pick<ObjectType, 'id' | 'slug' | 'properties'>[] = [
  {
    id: MELDINGEN,
    slug: 'meldingen',
    properties: {
      titel: { type: 'string' },
      extra: { type: 'object' },
      constructor: { type: 'object' as const },
      besluiten: { type: 'array', items: uuid, relation: 'besluiten' },
    },
  },
  {
    id: BESLUITEN,
    slug: 'besluiten',
    properties: { titel: { type: 'string' }, melding: { ...uuid, relation: 'meldingen' } },
  },
];

/** Two schemas that refer to each other, which members of the organisation may read and write. */
export function relatedView(): RightsView {
  const view = viewWith({});
  const policy = { kind: 'policy' as const, version: 1, roles: [], removed: false, authorization: null };
  const states = SCHEMAS.flatMap(({ id, slug, properties }): RightsState[] => [
    { ...schemaState, id, slug, properties, table: slug },
    { ...policy, target: 'schema', id, properties: {} },
  ]);
  view.loadState(states, 2);
  return view;
}

/** An object with these properties, none of which is hidden but those that are named. */
export function presented(
  id: string,
  values: Readonly<Record<string, unknown>>,
  hidden: readonly string[] = [],
): PresentedObject {
  const object = { _uuid: id, _register: 'zaken', _schema: 'x', _version: 1, ...values };
  const mayRead = (property: string): boolean => !hidden.includes(property);
  return { object, version: 1, writers: {}, mayRead };
}

/** A uuid that stands for a number. */
export function uuidOf(number: number): string {
  return `20000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** What stands behind the face, as far as a test needs it. */
export interface FaceParts {
  readonly get?: (schemaId: string, id: string) => Promise<PresentedObject>;
  readonly page?: (schemaId: string, query: PageQuery) => Promise<readonly PresentedObject[]>;
  readonly find?: (schemaId: string, uuids: readonly string[]) => Promise<FoundObjects>;
  readonly create?: (request: WriteRequest, body: ObjectBody | undefined) => Promise<PresentedObject>;
  readonly judge?: () => Promise<void>;
  readonly introspection?: Introspection;
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly persisted?: number;
  /** Null: anonymous. */
  readonly who?: PrincipalContext | null;
}

/** How a test asks. */
export interface FaceRequest {
  readonly query?: string;
  readonly variables?: unknown;
  readonly operationName?: unknown;
  readonly extensions?: unknown;
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
}

/** An answer, parsed. */
export interface FaceAnswer extends Omit<GraphqlHttpAnswer, 'body'> {
  readonly text: string;
  readonly body: {
    readonly data?: unknown;
    readonly errors?: readonly FaceError[];
    readonly extensions?: unknown;
  };
  readonly codes: readonly unknown[];
}

interface FaceError {
  readonly message: string;
  readonly path?: readonly unknown[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** The face over readers and writers of a test's own. */
export interface Face {
  readonly ask: (request: FaceRequest) => Promise<FaceAnswer>;
  /** Lines of the log. */
  readonly logged: (readonly [message: string, fields: LogFields | undefined])[];
}

const nobody = async (): Promise<never> => {
  throw new Error('nobody expected this');
};

export function openFace(parts: FaceParts = {}): Face {
  const view = relatedView();
  const who = parts.who === undefined ? ({ principal: member('alice') } as PrincipalContext) : parts.who;
  const turn = { view, principal: who?.principal ?? null, credential: null, concerned: [], nowMs: 0 };
  const logged: Face['logged'] = [];
  const note = (message: string, fields?: LogFields): void => void logged.push([message, fields]);
  const logger = { debug: note, info: note, warn: note, error: note } as unknown as Logger;
  const { get = nobody, page = nobody, find = nobody, create = nobody, maxRows = 5000 } = parts;
  const planner = new OperationPlanner({
    judgement: {
      judge: async (_who, attempt) => {
        await parts.judge?.();
        return await attempt({ ...turn, confirm: async () => undefined });
      },
    },
    catalogue: new CurrentCatalogue(),
    introspection: parts.introspection ?? 'signed-in',
    maxRows,
  });
  const idOf = (address: unknown): string => (address as { table: string }).table;
  const position = 'evt-0abcdefg-000000000001';
  const reader = {
    get: async (_who: unknown, address: unknown, id: string): Promise<ReadObject> => ({
      ...(await get(idOf(address), id)),
      position,
    }),
    page: async (_who: unknown, address: unknown, query: PageQuery): Promise<ReadPage> => {
      const request = query.parse((field) => (field === 'titel' ? 'string' : undefined));
      const objects = await page(idOf(address), query);
      return { request, objects, bytes: 0, total: objects.length, position, poll: undefined };
    },
    find: (_who: unknown, address: unknown, { uuids }: { readonly uuids: readonly string[] }) =>
      find(idOf(address), uuids),
  };
  const writer = {
    create: async (
      request: WriteRequest,
      [body]: readonly ObjectBody[],
    ): Promise<readonly CreatedObject[]> => [
      { ...(await create(request, body)), uuid: '', registerSlug: '', schemaSlug: '' },
    ],
  };
  const handle = createGraphqlHandler({
    planner,
    persisted: new PersistedQueries(parts.persisted ?? 10),
    reader: reader as unknown as GraphqlHandlerOptions['reader'],
    writer: writer as unknown as GraphqlHandlerOptions['writer'],
    limits: { maxRows, maxBytes: parts.maxBytes ?? 1e9 },
    logger,
    onAnswered: () => undefined,
  });
  const ask: Face['ask'] = async ({ method = 'POST', accept, ...sent }) => {
    const answer = await handle({
      method,
      entries: Object.entries(sent).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
      body: sent,
      accept,
      asker: { who, correlationId: 'correlation-1', traceparent: 'trace-1' },
    });
    const body = JSON.parse(answer.body) as FaceAnswer['body'];
    const codes = (body.errors ?? []).map(({ extensions }) => extensions?.['code']);
    return { status: answer.status, headers: answer.headers, text: answer.body, body, codes };
  };
  return { ask, logged };
}
