import { randomUUID } from 'node:crypto';
import { sharedPlatform, startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';

/** An answer as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Somebody with a token. */
export interface Caller {
  readonly id: string;
  readonly token: string | undefined;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  patch(path: string, body: unknown): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
}

/** All services with an administrator, and short ways to make who and what a test needs. */
export interface RecordsTestPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly admin: Caller;
  readonly anonymous: Caller;
  createOrganisation(parent?: string): Promise<string>;
  /** A principal of an organisation, in groups of it. */
  createPrincipal(organisation: string | null, groups?: readonly string[]): Promise<Caller>;
  createToken(principal: string, scopes: unknown): Promise<Caller>;
  /** The same caller, who asks one process and not the edge. */
  at(caller: Caller, origin: string): Caller;
  /** A schema in a register of its own; answers the path of its objects. */
  createTable(schema: Record<string, unknown>): Promise<TestTable>;
}

export interface TestTable {
  readonly register: string;
  readonly schema: string;
  readonly schemaId: string;
  readonly objects: string;
}

/** The platform that many test files use, one after another: tests make their own registers in it and stop nothing. */
export async function openSharedPlatform(): Promise<RecordsTestPlatform> {
  return openOn(await sharedPlatform());
}

/** Starts everything, with so many processes of records: for tests that need settings, or kill. Some seconds. */
export async function openTestPlatform(
  settings: Record<string, string> = {},
  replicas = 1,
): Promise<RecordsTestPlatform> {
  return openOn(await startPlatform({ settings, records: replicas }));
}

function openOn(platform: Platform): RecordsTestPlatform {
  const admin = callerOf(platform.origin, 'admin', platform.adminToken);
  const createToken = async (principal: string, scopes: unknown): Promise<Caller> => {
    const body = { principal, name: 'test', ...(scopes === undefined ? {} : { scopes }) };
    const { body: token } = await expectStatus(201, admin.post('/api/auth/tokens', body));
    return callerOf(platform.origin, principal, String(token['token']));
  };
  return {
    platform,
    admin,
    anonymous: callerOf(platform.origin, 'anonymous', undefined),
    createToken,
    at: ({ id, token }, origin) => callerOf(origin, id, token),
    async createOrganisation(parent) {
      const slug = uniqueSlug('org');
      const body = { slug, name: slug, ...(parent === undefined ? {} : { parent }) };
      const answer = await expectStatus(201, admin.post('/api/organisations', body));
      return String(answer.body['id']);
    },
    async createPrincipal(organisation, groups = []) {
      const id = uniqueSlug('p');
      await expectStatus(
        201,
        admin.post('/api/principals', {
          id,
          name: `Name of ${id}`,
          organisations: organisation === null ? [] : [organisation],
          activeOrganisation: organisation,
          groups: groups.map((group) => ({ organisation, group })),
        }),
      );
      return await createToken(id, undefined);
    },
    async createTable(schema) {
      const register = uniqueSlug('reg');
      await expectStatus(201, admin.post('/api/registers', { slug: register }));
      const slug = uniqueSlug('things');
      const answer = await expectStatus(201, admin.post('/api/schemas', { register, slug, ...schema }));
      return {
        register,
        schema: slug,
        schemaId: String(answer.body['id']),
        objects: `/api/objects/${register}/${slug}`,
      };
    },
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
}

/** The answer, when it has the status; otherwise a failure that says what came instead. */
export async function expectStatus(status: number, pending: Promise<Answer>): Promise<Answer> {
  const answer = await pending;
  if (answer.status !== status) {
    throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer;
}

/** A slug that no other test uses. */
export function uniqueSlug(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

function callerOf(origin: string, id: string, token: string | undefined): Caller {
  const call: Caller['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(new URL(path, origin), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  return {
    id,
    token,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    delete: (path, headers) => call('DELETE', path, undefined, headers),
  };
}
