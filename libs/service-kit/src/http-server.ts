import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HTTP_HEADERS, PROBLEM_MEDIA_TYPE, TidewireError, formatProblem } from '@tidewire/contract';
import { fastify } from 'fastify';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyTypeProvider,
} from 'fastify';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import { readCorrelation } from './correlation.ts';
import { answerCrossOrigin } from './cross-origin.ts';
import { invalidPart } from './field-error.ts';
import type { Readiness } from './health.ts';
import { decodeJsonBody, parseJsonBody } from './json-body.ts';
import type { Logger } from './logger.ts';
import { METRICS_MEDIA_TYPE } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { toTidewireError } from './problem-mapping.ts';
import { recordRoutes } from './route-list.ts';
import { createRouteTable } from './route-table.ts';
import { createStreamRequest, cutStreams, serveStreams } from './stream-front.ts';
import type { IsStream } from './stream-front.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Taken from `X-Correlation-Id` or begun here; echoed in the answer, and in the events that the request causes. */
    correlationId: string;
    /** W3C trace context of this request, a child of the one that came in. For our own processes only. */
    traceparent: string;
  }
}

/** Tells TypeScript what handlers get and give, from the zod schemas of their route. */
interface ZodTypeProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  readonly serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

/** A Fastify instance whose route schemas are zod. */
export type HttpServer = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;

export interface HttpServerOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** What `/readyz` answers. */
  readonly ready: () => Readiness;
  /** Largest body of a route that does not say `bodyLimit` itself; 1 MiB when absent. */
  readonly bodyLimitBytes?: number;
  /** Origins whose pages may read the answers; none when absent. */
  readonly allowedOrigins?: readonly string[];
  /** Requests whose answers are streams that last; `takeSocket` gives their connection. None when absent. */
  readonly isStream?: IsStream;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
/** Time to send a request's head, and head and body. Neither bounds an answer: streams may last for days. */
const HEAD_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than proxies keep idle connections (60 s), so that they close first and never race with a request. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const SLOW_CONNECTION_CHECK_MS = 1_000;

/** For answers that are data. Pages set their own policy. */
const SECURITY_HEADERS = Object.freeze({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
});

/**
 * Creates the HTTP server of a service; it does not listen. Routes validate with zod and answer with JSON; every
 * error leaves as problem+json of the contract; `/livez`, `/readyz` and `/metrics` are there. `reply.hijack()` hands
 * a response over for streaming: no time-out of the server touches it.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Requests that are running when the server closes are finished, not answered 503: `drainServer` bounds them.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    http: {
      headersTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: SLOW_CONNECTION_CHECK_MS,
      ...(options.isStream && { IncomingMessage: createStreamRequest(options.isStream) }),
    },
    // Before any hook: a path that cannot be decoded, for one.
    frameworkErrors: (error, request, reply) => {
      correlate(request, reply);
      sendProblem(error, request, reply, options.logger);
    },
    clientErrorHandler: refuseMalformedHttp,
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (value: unknown) => {
    const result = schema.safeParse(value);
    return result.success
      ? { value: result.data }
      : { error: invalidPart(result.error, httpPart ?? 'request') };
  });
  // Response schemas are for types and the reference. What leaves was built by our own code; checking it again per
  // answer would cost more than building it.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => parseJsonBody(decodeJsonBody(request.headers, body)),
  );

  app.decorateRequest('principal', null);
  app.decorateRequest('correlationId', '');
  app.decorateRequest('traceparent', '');
  recordRoutes(app);
  observeRequests(app, options);
  answerCrossOrigin(app, options.allowedOrigins ?? []);
  answerErrors(app, options.logger);
  registerProbes(app, options);
  if (options.isStream) serveStreams(app.server, (request, response) => app.routing(request, response));
  return app;
}

/**
 * Stops listening and lets requests finish, for at most `timeoutMs`; what still runs then is cut off. Long-lived
 * streams are the service's own to end first. Resolves when no connection is left. Safe to call twice.
 */
export async function drainServer(
  app: HttpServer,
  options: { timeoutMs: number; clock: Clock },
): Promise<void> {
  const limit = options.clock.setTimeout(() => {
    app.server.closeAllConnections();
    cutStreams(app.server);
  }, options.timeoutMs);
  try {
    await app.close();
  } finally {
    limit.cancel();
  }
}

/** Listens and returns the base URL, with the port that was found when 0 was asked for. */
export async function listen(app: HttpServer, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}

function observeRequests(app: HttpServer, { logger, metrics, clock }: HttpServerOptions): void {
  const requests = metrics.counter({
    name: 'http_requests_total',
    help: 'HTTP requests answered, by route and status.',
    labels: ['method', 'route', 'status'],
  });
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; streams are not counted.',
    labels: ['method', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  const startedAt = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request, reply) => {
    startedAt.set(request, clock.monotonic());
    correlate(request, reply);
  });
  app.addHook('onResponse', async (request, reply) => {
    // The pattern, never the path: paths hold ids, and a label per path would grow without bound.
    const route = request.routeOptions.url ?? 'none';
    const durationMs = clock.monotonic() - (startedAt.get(request) ?? clock.monotonic());
    requests.inc({ method: request.method, route, status: String(reply.statusCode) });
    durations.observe({ method: request.method, route }, durationMs / 1000);
    logger.debug('request answered', {
      method: request.method,
      route,
      status: reply.statusCode,
      durationMs: Math.round(durationMs),
      correlationId: request.correlationId,
    });
  });
}

/** What every answer has, whatever becomes of the request. */
function correlate(request: FastifyRequest, reply: FastifyReply): void {
  const { correlationId, traceparent } = readCorrelation(request.headers);
  request.correlationId = correlationId;
  request.traceparent = traceparent;
  void reply.headers(SECURITY_HEADERS).header(HTTP_HEADERS.correlationId, correlationId);
}

function answerErrors(app: HttpServer, logger: Logger): void {
  const routes = createRouteTable();
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) routes.add(method, route.url);
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    const methods = routes.methodsFor(request.url.split('?', 1)[0] ?? '');
    if (methods.length === 0 || methods.includes(request.method)) {
      return sendProblem(new TidewireError('NOT_FOUND', 'Not found.'), request, reply, logger);
    }
    void reply.header('allow', methods.join(', '));
    const error = new TidewireError('METHOD_NOT_ALLOWED', `This path takes ${methods.join(', ')}.`);
    return sendProblem(error, request, reply, logger);
  });
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const error = toTidewireError(thrown);
  if (error.status >= 500) {
    logger.error('request failed', {
      code: error.code,
      method: request.method,
      route: request.routeOptions.url,
      correlationId: request.correlationId,
      error: error.cause ?? error,
    });
  }
  // Closing on a client that is still sending would reset the connection, and with it the answer that says why.
  if (!request.raw.complete) {
    void reply.removeHeader('connection');
    request.raw.resume();
  }
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer realm="tidewire"');
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds);
  void reply
    .code(error.status)
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(formatProblem(error));
}

/**
 * For `clientError` of a server: bytes that are not HTTP, or a head that is too large, get an error of the contract, and the
 * connection is closed.
 */
export function refuseMalformedHttp(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const message = tooLarge ? 'Address and headers are larger than 16 KiB.' : 'The request is not HTTP.';
  const body = JSON.stringify(formatProblem(new TidewireError('BAD_REQUEST', message)));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function registerProbes(app: HttpServer, { metrics, ready }: HttpServerOptions): void {
  const probe = { config: { authentication: 'none' } } as const;
  app.get('/livez', probe, async () => ({ status: 'alive' }));
  app.get('/readyz', probe, async (_request, reply) => {
    const readiness = ready();
    if (readiness === true) return { status: 'ready' };
    void reply.code(503);
    return { status: 'not ready', reason: readiness };
  });
  app.get('/metrics', probe, async (_request, reply) => {
    void reply.header('content-type', METRICS_MEDIA_TYPE);
    void reply.serializer(String);
    return metrics.text();
  });
}
