import { request as openRequest } from 'node:http';
import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { answerUnavailable, refuseUpgrade, unavailable } from './edge-answers.ts';
import { endToEndHeaders, formatHead, forwardedHeaders, hasBody } from './edge-headers.ts';
import type { HeaderList } from './edge-headers.ts';
import type { Upstream, UpstreamPool } from './edge-upstreams.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const UPGRADE: HeaderList = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
];

/**
 * Sends a request to one process of a service and its answer back, both as streams. A process that cannot be
 * reached is passed over as long as nothing of the request was sent; the last failure answers "away".
 */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  pool: UpstreamPool,
  agent: Agent,
): void {
  const candidates = pool.inTurn();
  const body = hasBody(request);
  const headers = forwardedHeaders(request);
  if (request.headers['transfer-encoding'] !== undefined) headers.push(['Transfer-Encoding', 'chunked']);
  let current: ClientRequest | undefined;
  response.once('close', () => {
    current?.destroy();
    // An answer may come before the end of the body: the rest is read all the same, because nothing else on this
    // connection is looked at before it.
    request.unpipe();
    request.resume();
  });

  const attempt = (): void => {
    const upstream = candidates.shift();
    if (upstream === undefined) return answerUnavailable(request, response);
    let sent = false;
    const outgoing = openRequest({
      ...addressOf(upstream),
      method: request.method,
      path: request.url,
      headers: headers.flat(),
      agent,
    });
    current = outgoing;
    onceConnected(outgoing, () => {
      sent = true;
      if (body) request.pipe(outgoing);
      else outgoing.end();
    });
    outgoing.once('response', (answer) => {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.statusMessage,
        endToEndHeaders(answer.rawHeaders).flat(),
      );
      response.flushHeaders();
      // Destroys the other side when one of them breaks off: a client must never take a torn body for a whole one.
      pipeline(answer, response, () => outgoing.destroy());
    });
    outgoing.once('error', () => {
      if (response.destroyed) return;
      // A kept-alive connection that the service had just closed proves nothing about the service.
      const repeatable = !sent || (!body && outgoing.reusedSocket && !response.headersSent);
      if (!sent) pool.refused(upstream);
      else if (repeatable) candidates.unshift(upstream);
      if (repeatable) return attempt();
      return answerUnavailable(request, response);
    });
  };
  attempt();
}

/**
 * Opens an event stream: the service's answer, head and chunks alike, goes to the client's socket byte for byte, so
 * a frame costs one read and one write and a stream holds no parser on the service's side. Only for requests without
 * a body. The connection ends with the stream, whichever side breaks it off. A client that takes nothing for `stallMs` is
 * cut off: while it holds the stream up, nothing is read of the service, not even that it has gone.
 */
export function forwardStream(
  request: IncomingMessage,
  response: ServerResponse,
  pool: UpstreamPool,
  stallMs: number,
): void {
  const client = request.socket;
  client.setTimeout(stallMs);
  // Heard on the answer: the HTTP server would otherwise close every connection that is merely quiet for so long.
  response.on('timeout', () => {
    if (client.writableLength > 0) client.resetAndDestroy();
  });
  const headers = forwardedHeaders(request);
  headers.push(['Connection', 'close']);
  const head = formatHead(`${request.method} ${request.url} HTTP/1.1`, headers);
  const candidates = pool.inTurn();

  const attempt = (): void => {
    const upstream = candidates.shift();
    if (upstream === undefined) return answerUnavailable(request, response);
    const connection = connect({ ...addressOf(upstream), noDelay: true, timeout: CONNECT_TIMEOUT_MS });
    const abort = (): void => void connection.destroy();
    client.once('close', abort);
    connection.once('timeout', abort);
    connection.once('connect', () => {
      connection.setTimeout(0);
      connection.write(head);
      connection.pipe(client);
    });
    connection.on('error', () => {}); // what went wrong shows in what was received: 'close' judges it
    connection.once('close', () => {
      client.removeListener('close', abort);
      if (client.destroyed) return;
      if (connection.bytesRead > 0) client.destroySoon();
      else {
        connection.unpipe(client);
        if (connection.bytesWritten === 0) pool.refused(upstream);
        attempt();
      }
    });
  };
  attempt();
}

/**
 * Passes a WebSocket upgrade on. The two sockets are joined only after the service said 101: joined before it, a
 * refused client could go on to speak HTTP to the service behind the edge's back.
 */
export function forwardUpgrade(
  request: IncomingMessage,
  client: Socket,
  earlyBytes: Buffer,
  pool: UpstreamPool,
): void {
  const headers = forwardedHeaders(request);
  headers.push(...UPGRADE);
  const candidates = pool.inTurn();
  let current: ClientRequest | undefined;
  client.on('error', () => {}); // a reset by the client; 'close' follows
  client.once('close', () => current?.destroy());

  const attempt = (): void => {
    const upstream = candidates.shift();
    if (upstream === undefined) return refuseUpgrade(client, unavailable());
    const outgoing = openRequest({
      ...addressOf(upstream),
      method: 'GET',
      path: request.url,
      headers: headers.flat(),
      agent: false,
    });
    current = outgoing;
    let sent = false;
    onceConnected(outgoing, () => {
      sent = true;
      outgoing.end();
    });
    outgoing.once('upgrade', (answer, service, first) => {
      const joined = [...endToEndHeaders(answer.rawHeaders), ...UPGRADE];
      client.write(formatHead('HTTP/1.1 101 Switching Protocols', joined));
      if (first.length > 0) client.write(first);
      if (earlyBytes.length > 0) service.write(earlyBytes);
      join(client, service);
    });
    outgoing.once('response', (answer) => {
      const refusal: HeaderList = [...endToEndHeaders(answer.rawHeaders), ['Connection', 'close']];
      client.write(formatHead(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`, refusal));
      pipeline(answer, client, () => client.destroy());
    });
    outgoing.once('error', () => {
      if (client.destroyed) return;
      if (!sent) pool.refused(upstream);
      attempt();
    });
  };
  attempt();
}

/**
 * Both directions. The end of either is the end of both: the sockets of an HTTP server stay open when the other
 * side has only finished sending, and nobody who speaks WebSocket does that and still listens.
 */
function join(client: Socket, service: Socket): void {
  client.pipe(service);
  service.pipe(client);
  service.on('error', () => {}); // 'close' follows
  client.once('end', () => service.destroySoon());
  service.once('end', () => client.destroySoon());
  client.once('close', () => service.destroy());
  service.once('close', () => client.destroy());
}

function addressOf(upstream: Upstream): { host: string; port: number } {
  return { host: upstream.host, port: upstream.port };
}

/** Calls back once the request has a connection; until then it can go elsewhere without having been seen. */
function onceConnected(outgoing: ClientRequest, callback: () => void): void {
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) return callback();
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      if (socket.connecting) outgoing.destroy(new Error('connect timed out'));
    });
    socket.once('connect', () => {
      socket.setTimeout(0);
      callback();
    });
  });
}
