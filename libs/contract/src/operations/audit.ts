import auditEntryExample from '../../examples/audit-entry.json' with { type: 'json' };
import auditPageExample from '../../examples/audit-page.json' with { type: 'json' };
import {
  AUDIT_LIMITS,
  auditEntrySchema,
  auditKindSchema,
  auditPageSchema,
  auditResyncSchema,
} from '../audit.ts';
import { z } from 'zod';
import { uuidSchema } from '../identifier.ts';
import { SSE_EVENTS, streamEndSchema } from '../stream.ts';
import { timestampSchema } from '../time.ts';
import type { Operation, OperationParameter } from './operation.ts';

const shared = { service: 'authz', tag: 'audit', authentication: 'required' } as const;
const idSchema = z.string().min(1).max(200);
const FILTERS = [
  {
    name: 'kind',
    in: 'query',
    schema: auditKindSchema,
    description: 'Only changes of this kind.',
    example: 'policy',
  },
  {
    name: 'principal',
    in: 'query',
    schema: idSchema,
    description: 'Only changes of this principal, its memberships, credentials and identities.',
    example: 'alice',
  },
  {
    name: 'actor',
    in: 'query',
    schema: idSchema,
    description: 'Only changes that this principal or command made.',
    example: 'admin',
  },
] as const satisfies readonly OperationParameter[];

/** `/api/audit`. */
export const AUDIT_OPERATIONS = [
  {
    ...shared,
    id: 'listAudit',
    method: 'GET',
    path: '/api/audit',
    summary: 'List changes of rights',
    description:
      'For administrators. Every change of principals, memberships, groups, organisations, credentials, policies and ' +
      'issuers, whoever made it and however, plain SQL included. Entries are never changed and never taken away. `next` is ' +
      'the cursor of what follows; from the oldest on it is also good for what is yet to happen, and nothing is missed in ' +
      'between.',
    parameters: [
      ...FILTERS,
      {
        name: 'since',
        in: 'query',
        schema: timestampSchema,
        description: 'Only changes at or after this time.',
        example: '2026-03-21T00:00:00.000Z',
      },
      {
        name: 'cursor',
        in: 'query',
        schema: uuidSchema,
        description: '`next` of the last page, or the id of any entry: the page begins after it.',
        example: auditEntryExample.id,
      },
      {
        name: 'order',
        in: 'query',
        schema: z.enum(['oldest', 'newest']).default('oldest'),
        description: 'Which entries come first.',
        example: 'newest',
      },
      {
        name: 'limit',
        in: 'query',
        schema: z.int().min(1).max(AUDIT_LIMITS.maxLimit).default(AUDIT_LIMITS.defaultLimit),
        description: 'How many entries a page has at most.',
        example: 50,
      },
    ],
    answers: {
      200: { description: 'A page of changes.', schema: auditPageSchema, example: auditPageExample },
    },
    errors: ['FORBIDDEN'],
  },
  {
    ...shared,
    id: 'subscribeAudit',
    method: 'GET',
    path: '/api/audit/subscribe',
    summary: 'Stream changes of rights',
    description:
      'For administrators. Server-Sent Events without a name: each entry once, in the order of their commits, as soon as it ' +
      'is committed. `id:` is the cursor to come back with. The stream ends when the credential ends or its principal is no ' +
      'administrator any more; nothing that was committed after that is on it.',
    parameters: [
      ...FILTERS,
      {
        name: 'lastEventId',
        in: 'query',
        schema: z.string().max(200),
        description: 'The cursor: what happened since then comes first. The header `Last-Event-ID` wins.',
        example: auditEntryExample.id,
      },
      {
        name: 'Last-Event-ID',
        in: 'header',
        schema: z.string().max(200),
        description: 'The cursor, as an EventSource sends it by itself.',
        example: auditEntryExample.id,
      },
    ],
    answers: {
      200: {
        description: 'The stream. It lasts until one side ends it.',
        mediaType: 'text/event-stream',
        events: {
          message: auditEntrySchema,
          [SSE_EVENTS.resync]: auditResyncSchema,
          [SSE_EVENTS.end]: streamEndSchema,
        },
        example: `retry: 3000\nid: ${auditEntryExample.id}\n\nid: 6b1f…\ndata: {"id":"6b1f…","kind":"policy", ...}\n\n`,
        headers: ['Tidewire-Protocol'],
      },
    },
    errors: ['FORBIDDEN', 'TOO_MANY_CONNECTIONS'],
  },
] as const satisfies readonly Operation[];
