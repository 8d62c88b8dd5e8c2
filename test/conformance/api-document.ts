import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A JSON Schema, as far as values are made from one. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

export interface DocumentedParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonSchema;
  readonly style?: string;
  readonly example?: unknown;
}

interface MediaType {
  readonly schema?: JsonSchema;
  readonly example?: unknown;
}

export interface DocumentedAnswer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

/** One method of one path, with what it may be sent and what it may answer. */
export interface DocumentedOperation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly DocumentedParameter[];
  readonly body: Readonly<Record<string, MediaType>> | undefined;
  readonly answers: ReadonlyMap<number, DocumentedAnswer>;
}

type PathItem = Readonly<Record<string, RawOperation>>;
interface RawOperation {
  readonly operationId: string;
  readonly parameters?: readonly DocumentedParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}

const file = join(import.meta.dirname, '../../docs/reference/openapi.json');

/** The OpenAPI document as it is published: what a client's author has to go by, and so what the answers are held to. */
export class ApiDocument {
  readonly json: { readonly paths: Readonly<Record<string, PathItem>> };
  readonly operations: readonly DocumentedOperation[];

  constructor() {
    this.json = JSON.parse(readFileSync(file, 'utf8')) as ApiDocument['json'];
    this.operations = Object.entries(this.json.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, raw]) => this.#operation(path, method, raw)),
    );
  }

  /** What a reference stands for; anything else as it is. */
  resolve<T extends object>(value: T): T {
    const reference = (value as { readonly $ref?: string }).$ref;
    if (reference === undefined) return value;
    let found: unknown = this.json;
    for (const token of reference.slice(2).split('/')) {
      found = (found as Record<string, unknown>)[token.replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    return this.resolve(found as T);
  }

  #operation(path: string, method: string, raw: RawOperation): DocumentedOperation {
    return {
      operationId: raw.operationId,
      method: method.toUpperCase(),
      path,
      parameters: (raw.parameters ?? []).map((parameter) => this.resolve(parameter)),
      body: raw.requestBody === undefined ? undefined : this.resolve(raw.requestBody).content,
      answers: new Map(
        Object.entries(raw.responses).map(([status, answer]) => [Number(status), this.resolve(answer)]),
      ),
    };
  }
}
