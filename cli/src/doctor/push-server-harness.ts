import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { PUSH_PATHS, PUSH_TEXTS, formatEventId } from '@tidewire/contract';
import type { Notification } from '@tidewire/contract';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

/** What a path is answered. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  server: PushServer,
) => void | Promise<void>;

/** Where a server does something else than Tidewire does. */
export interface Script {
  /** By method and path, such as `GET /api/push/changes`. */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** What is done with a request for a WebSocket. */
  readonly upgrade?: (socket: Duplex, server: PushServer) => void;
  /** What is said to a login. */
  readonly login?: (texts: readonly string[], server: PushServer) => string | undefined;
  /** What is done once somebody was let in. Default: pings. */
  readonly begin?: (socket: WebSocket) => void;
  readonly answersPings?: boolean;
  /** What everybody is told of a row that was written. */
  readonly messages?: (id: string) => readonly string[];
}

export const TOKEN = 'tw_good';
export const ROW = '2b4c6d8e-0000-4000-8000-000000000001';
export const TOPIC = 'register/reports/schema/potholes';
const PAGE_TOKEN = 'QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb';
const COLLECTION = '/api/objects/reports/potholes';
export const POSITION = formatEventId({ epoch: '00000001', sequence: 5 });
const TIME = '2026-03-21T11:00:00.000Z';

/** Plays the installation, as scripted. */
export class PushServer implements AsyncDisposable {
  readonly origin: string;
  /** What was asked for, by method and path. */
  readonly requests: string[] = [];
  readonly rows = new Set<string>();
  /** What its capabilities say; its own origin unless a test says otherwise. */
  publicUrl: string;
  readonly tokens = new Set<string>();
  readonly #script: Script;
  readonly #http = createServer((request, response) => void this.#answer(request, response));
  readonly #sockets: WebSocketServer;
  readonly #open = new Set<WebSocket>();
  readonly #connections = new Set<Duplex>();

  private constructor(script: Script, port: number) {
    this.origin = `http://127.0.0.1:${port}`;
    this.publicUrl = this.origin;
    this.#script = script;
    this.#sockets = new WebSocketServer({ noServer: true, autoPong: script.answersPings ?? true });
  }

  static async start(script: Script = {}): Promise<PushServer> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const server = new PushServer(script, port);
    server.#http.on('connection', (connection) => server.#connections.add(connection));
    server.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      server.requests.push(`UPGRADE ${request.url ?? ''}`);
      socket.on('error', () => undefined);
      if (script.upgrade !== undefined) script.upgrade(socket, server);
      else server.#sockets.handleUpgrade(request, socket, head, (opened) => server.#listen(opened));
    });
    server.#http.listen(port, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise((closed) => this.#http.close(closed));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.origin);
    const key = `${request.method ?? ''} ${pathname}`;
    this.requests.push(key);
    const answer = this.#script.answers?.[key] ?? ANSWERS[key] ?? answerStatus(404);
    await text(request);
    await answer(request, response, this);
    if (key === `POST ${COLLECTION}` && this.rows.has(ROW)) this.#tell();
  }

  #tell(): void {
    const object = `or-object-${ROW} {"action":"create","register":"reports","schema":"potholes","uuid":"${ROW}","version":"1"}`;
    const messages = this.#script.messages?.(ROW) ?? [object, PUSH_TEXTS.notification];
    for (const socket of this.#open) for (const message of messages) socket.send(message);
  }

  #listen(socket: WebSocket): void {
    const texts: string[] = [];
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('message', (data: Buffer) => {
      texts.push(data.toString());
      if (texts.length !== 2) return;
      const said = (this.#script.login ?? logIn)(texts, this);
      if (said === undefined) return;
      socket.send(said);
      if (said !== PUSH_TEXTS.authenticated) socket.close();
      else if (this.#script.begin === undefined) socket.ping(Buffer.from([1, 2, 3, 4]));
      else this.#script.begin(socket);
    });
  }
}

function logIn([user, password = '']: readonly string[], { tokens }: PushServer): string {
  const isKnown = user === '' ? tokens.delete(password) : user === 'alice' && password === TOKEN;
  return isKnown ? PUSH_TEXTS.authenticated : PUSH_TEXTS.invalidCredentials;
}

export function answerJson(body: unknown, status = 200): Answer {
  return (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function answerStatus(status: number, headers: Record<string, string> = {}, body = ''): Answer {
  return (_request, response) => void response.writeHead(status, headers).end(body);
}

/** A page of a proxy, or of whatever else is on the same origin. */
export const answerPage = answerStatus(200, { 'content-type': 'text/html' }, '<h1>It works!</h1>');

export function problem(status: number, code: string, message: string): object {
  return { type: 'about:blank', title: message, status, detail: message, success: false, code, message };
}

export function answerProblem(status: number, code: string, message: string): Answer {
  return answerJson(problem(status, code, message), status);
}

/** What one who shows the good token is answered. */
function known(answer: Answer): Answer {
  return async (request, response, server) => {
    const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
    await (isKnown ? answer : answerProblem(401, 'UNAUTHORIZED', 'The credential is not valid.'))(
      request,
      response,
      server,
    );
  };
}

export function ocs(data: unknown): object {
  return { ocs: { meta: { status: 'ok', statuscode: 200, message: 'OK' }, data } };
}

const NOTIFICATION: Notification = {
  notification_id: 7,
  app: 'tidewire',
  user: 'alice',
  datetime: '2026-03-21T11:00:00+00:00',
  object_type: 'topic',
  object_id: TOPIC,
  subject: 'Something changed',
  subjectRich: '',
  subjectRichParameters: [],
  message: '',
  messageRich: '',
  messageRichParameters: [],
  link: '',
  icon: '',
  shouldNotify: true,
  actions: [],
};
const CREDENTIAL = { id: ROW, type: 'token', principal: 'alice', scopes: null, expiresAt: null };
const ALICE = {
  id: 'alice',
  name: 'Alice',
  admin: false,
  organisations: [],
  activeOrganisation: null,
  groups: [],
  version: 1,
};

const ANSWERS: Readonly<Record<string, Answer>> = {
  'GET /': answerPage,
  'GET /api/auth/me': known(answerJson({ principal: ALICE, credential: CREDENTIAL })),
  [`GET ${PUSH_PATHS.capabilities}`]: known(async (request, response, server) => {
    const { publicUrl } = server;
    const endpoints = {
      websocket: `${publicUrl.replace('http', 'ws')}${PUSH_PATHS.socket}`,
      pre_auth: `${publicUrl}${PUSH_PATHS.preAuth}`,
    };
    const capabilities = { notify_push: { type: ['notifications'], endpoints } };
    await answerJson(ocs({ version: {}, capabilities }))(request, response, server);
  }),
  [`POST ${PUSH_PATHS.preAuth}`]: known((_request, response, { tokens }) => {
    tokens.add(PAGE_TOKEN);
    response.writeHead(200, { 'content-type': 'text/plain' }).end(PAGE_TOKEN);
  }),
  [`GET ${PUSH_PATHS.changes}`]: known(async (request, response, server) => {
    const since = new URL(request.url ?? '', server.origin).searchParams.get('since');
    const changes =
      since === null
        ? []
        : [{ topic: TOPIC, eventId: formatEventId({ epoch: '00000001', sequence: 6 }), time: TIME }];
    const body = { changes, lastEventId: POSITION, more: false, resync: false };
    await answerJson(body)(request, response, server);
  }),
  [`GET ${PUSH_PATHS.notifications}`]: known(answerJson(ocs([NOTIFICATION]))),
  [`POST ${COLLECTION}`]: known(async (request, response, server) => {
    server.rows.add(ROW);
    await answerJson({ id: ROW, titel: 'x' }, 201)(request, response, server);
  }),
  [`DELETE ${COLLECTION}/${ROW}`]: known((_request, response, { rows }) => {
    rows.delete(ROW);
    response.writeHead(204).end();
  }),
};
