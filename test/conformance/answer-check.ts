import { GRAPHQL_PATHS } from '@tidewire/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiDocument, DocumentedAnswer } from './api-document.ts';
import type { FuzzRequest } from './request-source.ts';

export interface FuzzAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of a stream, its beginning. */
  readonly body: Buffer;
}

/** What of a request its answer depends on. */
type JudgedRequest = Pick<FuzzRequest, 'operation' | 'target' | 'onPath'>;

const PROBLEM = 'application/problem+json';
/** A path of a source, a statement or an assertion tells a stranger how the server is made. */
const INTERIOR =
  /node_modules|\/src\/|\bat [\w.<>]+ \(|TypeError|RangeError|ECONN|syntax error at|records\.objects/;

/** Holds answers to the document. */
export class AnswerCheck {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #document: ApiDocument;

  constructor(document: ApiDocument) {
    this.#document = document;
    this.#ajv.addSchema(document.json, 'api');
  }

  /** What is wrong with an answer; undefined: nothing. */
  faultIn(request: JudgedRequest, answer: FuzzAnswer): string | undefined {
    const { status } = answer;
    if (status === 500) return 'an internal error';
    if (status === 503) return 'unavailable, though nothing is';
    const text = answer.body.toString();
    if (status >= 400) {
      const interior = INTERIOR.exec(text)?.[0];
      // What the request itself said may be repeated.
      if (interior !== undefined && !decodeURIComponentSafely(request.target).includes(interior)) {
        return `the answer tells of the interior: ${interior}`;
      }
      if (mediaTypeOf(answer) !== PROBLEM && !isDocumentedType(request, answer)) {
        return `an error as ${mediaTypeOf(answer) ?? 'nothing'}`;
      }
    }
    if (isGraphql(request) && mediaTypeOf(answer) !== PROBLEM) {
      const failure = failureInside(text);
      if (failure !== undefined) return failure;
    }
    if (!request.onPath) return status >= 400 ? this.#validate('Problem', answer) : undefined;
    const documented = request.operation.answers.get(status);
    if (documented === undefined) return `status ${status} is not documented`;
    return this.#missingHeader(documented, answer) ?? this.#bodyFault(request, documented, answer);
  }

  #missingHeader({ headers }: DocumentedAnswer, answer: FuzzAnswer): string | undefined {
    const missing = Object.entries(headers ?? {}).find(
      ([name, header]) =>
        this.#document.resolve(header).required === true && answer.headers[name.toLowerCase()] === undefined,
    );
    return missing === undefined ? undefined : `the header ${missing[0]} is missing`;
  }

  #bodyFault(request: JudgedRequest, documented: DocumentedAnswer, answer: FuzzAnswer): string | undefined {
    const { content } = documented;
    if (content === undefined)
      return answer.body.length === 0 ? undefined : 'a body, though none is documented';
    const type = mediaTypeOf(answer);
    const media = type === undefined ? undefined : content[type];
    if (type === undefined || media === undefined) return `${type ?? 'no media type'} is not documented`;
    if (media.schema === undefined || !type.endsWith('json')) return undefined;
    const { operation } = request;
    const key = `${operation.operationId} ${answer.status} ${type}`;
    let validator = this.#validators.get(key);
    if (validator === undefined) {
      validator = this.#ajv.compile(relocated(media.schema));
      this.#validators.set(key, validator);
    }
    return faultOf(validator, answer);
  }

  #validate(component: string, answer: FuzzAnswer): string | undefined {
    let validator = this.#validators.get(component);
    if (validator === undefined) {
      validator = this.#ajv.compile({ $ref: `api#/components/schemas/${component}` });
      this.#validators.set(component, validator);
    }
    return faultOf(validator, answer);
  }
}

interface GraphqlError {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** What GraphQL answers with success although it is none; what a row holds is nobody's failure. */
function failureInside(text: string): string | undefined {
  for (const { message, extensions } of graphqlErrors(text)) {
    const { code } = extensions ?? {};
    if (code === 'INTERNAL_ERROR' && !message.endsWith(' is not of its type')) {
      return `an internal error inside the answer: ${message}`;
    }
    if (code === undefined) return `an error without a code inside the answer: ${message}`;
    if (code === 'SERVICE_UNAVAILABLE') return 'unavailable inside the answer, though nothing is';
    const interior = INTERIOR.exec(message)?.[0];
    if (interior !== undefined) return `the answer tells of the interior: ${interior}`;
  }
  return undefined;
}

/** The errors of an answer, or of the beginning of a stream. */
function graphqlErrors(text: string): readonly GraphqlError[] {
  try {
    const result: unknown = JSON.parse(/^(?:data: )?(\{.*\})$/m.exec(text)?.[1] ?? '{}');
    return (result as { readonly errors?: readonly GraphqlError[] }).errors ?? [];
  } catch {
    return [];
  }
}

/** Whether GraphQL refused an operation in an answer that is a success. */
export function wasRefusedInside(request: JudgedRequest, answer: FuzzAnswer): boolean {
  if (!isGraphql(request)) return false;
  if (mediaTypeOf(answer) === 'text/event-stream') return answer.headers['tidewire-connection'] === undefined;
  const text = answer.body.toString();
  return text.startsWith('{"errors":') && !text.includes('"data":{');
}

/** Answers of the explorer are none of GraphQL's. */
function isGraphql({ operation: { path } }: JudgedRequest): boolean {
  return path === GRAPHQL_PATHS.operations || path === GRAPHQL_PATHS.subscriptions;
}

function isDocumentedType({ operation, onPath }: JudgedRequest, answer: FuzzAnswer): boolean {
  const content = operation.answers.get(answer.status)?.content;
  return onPath && content?.[mediaTypeOf(answer) ?? ''] !== undefined;
}

/** A schema whose references point into the document. */
function relocated(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"api#/')) as object;
}

function faultOf(validator: ValidateFunction, answer: FuzzAnswer): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString());
  } catch {
    return 'the body is not JSON';
  }
  if (validator(value)) return undefined;
  const [error] = validator.errors ?? [];
  return `the body is not as documented: ${error?.instancePath ?? ''} ${error?.message ?? ''}`;
}

function mediaTypeOf({ headers }: FuzzAnswer): string | undefined {
  const value = headers['content-type'];
  return typeof value === 'string' ? value.split(';')[0]?.trim() : undefined;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
