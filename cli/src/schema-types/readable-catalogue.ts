import { registerViewSchema, schemaViewSchema } from '@tidewire/contract';
import { ApiError } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';

export interface ReadableRegister {
  readonly slug: string;
  readonly title: string;
  readonly description: string;
}

export interface ReadableSchema {
  readonly slug: string;
  readonly table: string;
  /** Its slug. */
  readonly register: string;
  readonly title: string;
  readonly description: string;
  /** Definitions by name, as the server has them. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  /** Whether the rules of its properties are among them: they are told to administrators only. */
  readonly hasRules: boolean;
}

/** What a server shows of its registers and schemas to the holder of a token. */
export interface ReadableCatalogue {
  readonly registers: readonly ReadableRegister[];
  readonly schemas: readonly ReadableSchema[];
}

/** Of a register and a schema what types are made of. What a newer server says besides is passed over. */
const registerHead = registerViewSchema.pick({ slug: true, title: true, description: true });
const schemaHead = schemaViewSchema.pick({
  slug: true,
  table: true,
  register: true,
  title: true,
  description: true,
  required: true,
});

/**
 * Asks the server for them.
 *
 * @throws Error in words for its user: nobody answers, the token does not count, this is another server, or no table is there.
 */
export async function readCatalogue(api: ApiClient): Promise<ReadableCatalogue> {
  const registers = await list(api, '/api/registers');
  const schemas = await list(api, '/api/schemas');
  if (schemas.length === 0) {
    throw new Error(
      `the token may read no table of ${api.url}. Give that of an administrator, or of a reader.`,
    );
  }
  return {
    registers: registers.map((register) => registerHead.safeParse(register).data ?? refuseAnswer(api)),
    schemas: schemas.map((schema) => readSchema(schema) ?? refuseAnswer(api)),
  };
}

async function list(api: ApiClient, path: string): Promise<readonly unknown[]> {
  let answer: unknown;
  try {
    answer = await api.send('GET', path);
  } catch (error) {
    if (error instanceof SyntaxError) return refuseAnswer(api);
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    const advice = 'Give one that does with --token, or in TIDEWIRE_TOKEN.';
    throw new Error(`the token does not count at ${api.url}. ${advice}`, { cause: error });
  }
  if (!isObject(answer) || !Array.isArray(answer['results'])) return refuseAnswer(api);
  return answer['results'];
}

function readSchema(answer: unknown): ReadableSchema | undefined {
  const head = schemaHead.safeParse(answer);
  if (!head.success || !isObject(answer) || !isObject(answer['properties'])) return undefined;
  return { ...head.data, properties: answer['properties'], hasRules: Object.hasOwn(answer, 'authorization') };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseAnswer(api: ApiClient): never {
  throw new Error(
    `what answers at ${api.url} is no Tidewire server, or one that this version does not know.`,
  );
}
