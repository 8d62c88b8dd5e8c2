import {
  HTTP_HEADERS,
  TidewireError,
  auditPageSchema,
  auditQuerySchema,
  auditStreamQuerySchema,
  parseTimestamp,
} from '@tidewire/contract';
import { readCredential, requireOwnPage, toTidewireError } from '@tidewire/service-kit';
import type { Clock, HttpReply, HttpRequest, HttpServer, Logger, Pool } from '@tidewire/service-kit';
import { findPosition, readAuditPage } from '../audit/audit-log-postgres.ts';
import { SSE_MEDIA_TYPE, createAuditSink } from '../audit/audit-sink.ts';
import { AuditStream } from '../audit/audit-stream.ts';
import type { AuditStreams } from '../audit/audit-streams.ts';
import { requireAdmin } from './access.ts';

export interface AuditRoutesOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly streams: AuditStreams;
  /** Origins whose pages may open streams with a session cookie. */
  readonly allowedOrigins: readonly string[];
}

/** Bytes of the entries of a page at most, but for a single entry. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** When an EventSource that could not be answered shall come back, milliseconds. */
const RETRY_MS = 3000;

/** `/api/audit`: an administrator's. */
export function registerAudit(app: HttpServer, options: AuditRoutesOptions): void {
  registerList(app, options.pool);
  registerStream(app, options);
}

function registerList(app: HttpServer, pool: Pool): void {
  app.get(
    '/api/audit',
    { schema: { querystring: auditQuerySchema, response: { 200: auditPageSchema } } },
    async (request) => {
      requireAdmin(request);
      const { kind, principal, actor, since, cursor, order, limit } = request.query;
      const sinceMs = since === undefined ? undefined : parseTimestamp(since.replace(' ', '+'));
      if (since !== undefined && sinceMs === undefined) throw invalid('since', 'is no RFC 3339 time');
      const after = cursor === undefined ? undefined : await findPosition(pool, cursor);
      if (cursor !== undefined && after === undefined) throw invalid('cursor', 'is of no entry');
      const filter = { kind, principal, actor, sinceMs };
      const page = await readAuditPage(pool, { filter, after, order, limit, maxBytes: PAGE_BYTES });
      const { entries, more, newest } = page;
      const end = order === 'oldest' ? newest.id : null;
      return { entries: [...entries], more, next: more ? (entries.at(-1)?.id ?? end) : end };
    },
  );
}

function registerStream(app: HttpServer, options: AuditRoutesOptions): void {
  const { streams, allowedOrigins, ...dependencies } = options;
  app.get('/api/audit/subscribe', {
    schema: { querystring: auditStreamQuerySchema },
    exposeHeadRoute: false,
    errorHandler: (error, request, reply) => {
      if (!answerTransient(error, request, reply)) throw error;
    },
    handler: async (request, reply) => {
      const { principal, credential } = requireAdmin(request);
      if (readCredential(request.raw)?.source === 'cookie') {
        requireOwnPage(request.headers, allowedOrigins, 'stream');
      }
      const { kind, principal: subject, actor, lastEventId } = request.query;
      const stream = new AuditStream({
        ...dependencies,
        sink: createAuditSink(reply.raw, reply.getHeaders()),
        filter: { kind, principal: subject, actor },
        credential: credential.id,
        principal: principal.id,
      });
      const header = request.headers[HTTP_HEADERS.lastEventId];
      const given = typeof header === 'string' && header !== '' ? header : lastEventId;
      await streams.open(stream, given);
      reply.hijack();
    },
  });
}

/** An EventSource that gets anything but 200 stays closed for good: what is temporary is an empty stream for it. */
function answerTransient(error: unknown, request: HttpRequest, reply: HttpReply): boolean {
  const wantsStream = (request.headers.accept ?? '').toLowerCase().includes(SSE_MEDIA_TYPE);
  if (!wantsStream || toTidewireError(error).status < 500) return false;
  void reply
    .code(200)
    .header('content-type', SSE_MEDIA_TYPE)
    .serializer(String)
    .send(`retry: ${RETRY_MS}\n\n`);
  return true;
}

function invalid(name: string, message: string): TidewireError {
  return new TidewireError('VALIDATION_ERROR', `The query parameter '${name}' is not valid.`, {
    errors: [{ field: `/${name}`, message }],
  });
}
