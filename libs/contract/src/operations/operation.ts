import type { z } from 'zod';
import type { ErrorCode } from '../error-code.ts';
import type { AnswerHeader } from './answer-header.ts';

/** Who answers on the one origin. */
export type OperationService = 'records' | 'authz' | 'fanout-gateway' | 'push-notifier' | 'pages' | 'edge';

/** Whether a credential is needed: `optional` means that what a `public` rule allows is answered without one. */
export type OperationAuthentication = 'required' | 'optional' | 'none';

/** Something that a request says in its path, its query or its head. */
export interface OperationParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  /** Absent: not required, except in a path. */
  readonly required?: boolean;
  readonly schema: z.ZodType;
  readonly description: string;
  /** A value as it means, not as it is written in a URL. It must fit the schema. */
  readonly example?: unknown;
  /** `deepObject`: the schema is an object, and its members are written `name[member]=value`. */
  readonly style?: 'deepObject';
}

/** The body of a request, in JSON. */
export interface OperationBody {
  readonly schema: z.ZodType;
  readonly example: unknown;
  /** Media types that are taken; `application/json` when absent. */
  readonly mediaTypes?: readonly string[];
  /** Absent: required. */
  readonly required?: boolean;
}

/** An answer that is not an error. Without a schema and a media type it has no body. */
export interface OperationAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly example?: unknown;
  /** `application/json` when absent and there is a schema. */
  readonly mediaType?: string;
  /** Media types in which the same comes to those who ask for them. */
  readonly otherMediaTypes?: readonly string[];
  /** Headers besides those that every answer has. */
  readonly headers?: readonly AnswerHeader[];
  /** For event streams: what `data:` of each `event:` name is. */
  readonly events?: Readonly<Record<string, z.ZodType>>;
}

/** Errors that come in another form than problem+json to those who ask for it. */
export interface OtherErrors {
  readonly mediaType: string;
  readonly schema: z.ZodType;
  /** Those that do; the others were refused before anybody looked at the request. */
  readonly statuses: readonly number[];
}

/**
 * One method of one path. The routes of the services are compared with these rows, the OpenAPI document and the page at
 * `/api/docs` are made from them, and so is nothing else: what is not here does not exist for a client.
 */
export interface Operation {
  /** Stable, camel case: generated clients name their functions after it. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As OpenAPI writes it: `/api/objects/{register}/{schema}`. */
  readonly path: string;
  readonly service: OperationService;
  readonly tag: OperationTag;
  /** A few words without a full stop. */
  readonly summary: string;
  /** Sentences, CommonMark. */
  readonly description?: string;
  readonly authentication: OperationAuthentication;
  readonly parameters?: readonly OperationParameter[];
  readonly body?: OperationBody;
  /** By status. */
  readonly answers: Readonly<Record<number, OperationAnswer>>;
  /** Codes besides those that follow from authentication and body ({@link errorCodesOf}). */
  readonly errors?: readonly ErrorCode[];
  readonly otherErrors?: OtherErrors;
}

/** Chapters of the documentation, in their order. */
export const OPERATION_TAGS = Object.freeze({
  objects: 'Objects: create, read, list, change and delete what a schema describes.',
  tables: 'Tables: the same objects, for those who think in tables and records.',
  graphql: 'GraphQL: the same objects, for those who say what they want of them.',
  realtime: 'Realtime: what changed, as it changes.',
  connections:
    'Connections: who is being told of changes now, for operators; and how a stream outlives its credential.',
  push: 'Push: that something changed, for those who are not connected to a stream.',
  registers: 'Registers: named sets of schemas.',
  schemas: 'Schemas: what the objects of a register look like.',
  credentials: 'Credentials: who the caller is, and tokens.',
  principals: 'Principals: people and services that act.',
  organisations: 'Organisations: tenants, which may stand above one another.',
  groups: 'Groups: what rules name, within an organisation.',
  policies: 'Policies: the rules of registers and schemas.',
  issuers: 'Issuers: whose access tokens (OAuth 2, OpenID Connect) are trusted, and what they say.',
  audit: 'Audit: who changed which rights.',
  explain: 'Explain: why somebody sees something, or does not.',
  pages: 'Pages: what they are made of, for the app that shows them.',
  operation: 'Operation: documentation and probes.',
} as const);
export type OperationTag = keyof typeof OPERATION_TAGS;

/** Any request may be malformed, and any process may be away, restarting or broken. */
const ALWAYS = ['BAD_REQUEST', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'DRAINING'] as const;
const WITH_BODY = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;

/** Every code that an operation can answer with, in no particular order and each once. */
export function errorCodesOf(operation: Operation): readonly ErrorCode[] {
  const { authentication, method, parameters = [], body, service, errors = [] } = operation;
  // The edge's own answers say what they have to say themselves.
  if (service === 'edge') return errors;
  // A write with a session cookie is refused unless it comes from a page of this origin.
  const guarded = authentication !== 'none' && method !== 'GET';
  return [
    ...new Set<ErrorCode>([
      ...ALWAYS,
      ...(authentication === 'none' ? [] : (['UNAUTHORIZED'] as const)),
      ...(guarded ? (['FORBIDDEN'] as const) : []),
      ...(parameters.length === 0 && body === undefined ? [] : (['VALIDATION_ERROR'] as const)),
      ...(body === undefined ? [] : WITH_BODY),
      ...errors,
    ]),
  ];
}
