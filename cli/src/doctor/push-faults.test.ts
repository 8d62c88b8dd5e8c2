import { PUSH_PATHS, PUSH_TEXTS } from '@tidewire/contract';
import { expect, test } from 'vitest';
import type { CheckName } from './checkup.ts';
import { WRITE, examine, namesOf } from './doctor-harness.ts';
import {
  POSITION,
  PushServer,
  ROW,
  answerJson,
  answerPage,
  answerProblem,
  answerStatus,
  ocs,
  problem,
} from './push-server-harness.ts';
import type { Script } from './push-server-harness.ts';

/** What is wrong, which check says so first, in which words, and what is advised. */
const FAULTS: readonly [string, Script, CheckName, RegExp, RegExp][] = [
  [
    'a redirect to https',
    { answers: { 'GET /': answerStatus(308, { location: 'https://127.0.0.1:1/' }) } },
    'origin',
    /redirects to https:/,
    /as --url, and as TIDEWIRE_PUBLIC_URL/,
  ],
  [
    'a proxy that takes the credential away',
    { answers: { [`GET ${PUSH_PATHS.capabilities}`]: answerJson(ocs({ version: {}, capabilities: {} })) } },
    'credential',
    /did not arrive/,
    /Authorization/,
  ],
  [
    'a page in place of the capabilities',
    { answers: { [`GET ${PUSH_PATHS.capabilities}`]: answerPage } },
    'credential',
    /something else \(text\/html\)/,
    /what the proxy does/,
  ],
  [
    'a proxy that does not pass the path on',
    { answers: { [`GET ${PUSH_PATHS.capabilities}`]: answerStatus(404) } },
    'credential',
    /not Tidewire/,
    /\/ocs\/v2\.php, \/apps\/notify_push/,
  ],
  [
    'no push notifier',
    { answers: { [`GET ${PUSH_PATHS.capabilities}`]: answerProblem(503, 'SERVICE_UNAVAILABLE', 'No.') } },
    'credential',
    /503: No\./,
    /push notifier running/,
  ],
  [
    'a Nextcloud',
    {
      answers: {
        [`GET ${PUSH_PATHS.capabilities}`]: answerJson(ocs({ version: {}, capabilities: { core: {} } })),
      },
    },
    'capabilities',
    /no notify_push/,
    /origin of its own/,
  ],
  [
    'a proxy that strips Upgrade',
    {
      upgrade: (socket) => {
        const body = JSON.stringify(
          problem(400, 'BAD_REQUEST', 'Ask for a WebSocket (Upgrade), over HTTP/1.1'),
        );
        socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      },
    },
    'upgrade',
    /without its Upgrade: a proxy strips it/,
    /deploy\/edge\/README\.md/,
  ],
  [
    'a proxy that answers upgrades itself',
    { upgrade: (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi') },
    'upgrade',
    /answers 200 itself: it does not pass WebSockets on/,
    /headers Upgrade and Connection/,
  ],
  [
    'a proxy that redirects upgrades',
    {
      upgrade: (socket) =>
        void socket.end(
          'HTTP/1.1 301 Moved\r\nLocation: https://x.example/push/ws\r\nContent-Length: 0\r\n\r\n',
        ),
    },
    'upgrade',
    /redirects to https:\/\/x\.example/,
    /TIDEWIRE_PUBLIC_URL/,
  ],
  [
    'a proxy that cannot reach the notifier for upgrades',
    { upgrade: (socket) => void socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n') },
    'upgrade',
    /502 by a proxy/,
    /right address/,
  ],
  [
    'a proxy that cuts upgrades',
    { upgrade: (socket) => void socket.destroy() },
    'upgrade',
    /cut instead of upgraded/,
    /Upgrade and Connection/,
  ],
  [
    'a proxy that strips Upgrade of the answer',
    {
      upgrade: (socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'),
    },
    'upgrade',
    /strips Upgrade of the answer/,
    /Upgrade and Connection/,
  ],
  [
    'a proxy that accepts upgrades itself',
    {
      upgrade: (socket) =>
        void socket.end(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
        ),
    },
    'upgrade',
    /changes the answer .*Sec-WebSocket-Accept/,
    /Upgrade and Connection/,
  ],
  [
    'a proxy that says nothing to upgrades',
    { upgrade: () => undefined },
    'upgrade',
    /no answer within 1 s/,
    /overloaded/,
  ],
  [
    'a page in place of the token',
    { answers: { [`POST ${PUSH_PATHS.preAuth}`]: answerPage } },
    'pre-auth',
    /something else/,
    /what the proxy does/,
  ],
  ['a socket on which nobody answers', { login: () => undefined }, 'login', /nobody answers/, /authz/],
  [
    'a socket that does not know the token',
    { login: () => PUSH_TEXTS.invalidCredentials },
    'login',
    /err: Invalid credentials/,
    /same NATS/,
  ],
  [
    'a socket that cannot ask authz',
    { login: () => `${PUSH_TEXTS.unavailable}try again later` },
    'login',
    /try again later/,
    /Is authz running/,
  ],
  [
    'a token that counts twice',
    { login: () => PUSH_TEXTS.authenticated },
    'token-once',
    /lets in twice/,
    /report this/,
  ],
  ['a proxy that keeps pings', { begin: () => undefined }, 'server-ping', /no ping/, /control frames/],
  ['a proxy that keeps pongs', { answersPings: false }, 'own-ping', /not answered/, /control frames/],
  [
    'a pong that is another one',
    {
      answersPings: false,
      begin: (socket) => {
        socket.ping('1234');
        socket.on('ping', () => socket.pong('other'));
      },
    },
    'own-ping',
    /something else than the ping/,
    /control frames/,
  ],
  [
    'a server that does not like our pong',
    {
      answersPings: false,
      begin: (socket) => {
        socket.ping('1234');
        socket.on('pong', () => socket.close(1008, 'wrong pong'));
      },
    },
    'own-ping',
    /closed the connection \(1008: wrong pong\)/,
    /logs of the push notifier/,
  ],
  [
    'a name and a password that do not let in',
    {
      login: ([user, password = ''], { tokens }) =>
        user === '' && tokens.delete(password) ? PUSH_TEXTS.authenticated : PUSH_TEXTS.invalidCredentials,
    },
    'password',
    /Invalid credentials/,
    /name, password or token/,
  ],
  [
    'changes that cannot be read',
    {
      answers: {
        [`GET ${PUSH_PATHS.changes}`]: answerProblem(503, 'SERVICE_UNAVAILABLE', 'It is not known yet'),
      },
    },
    'changes',
    /not known yet/,
    /\/readyz/,
  ],
  [
    'notifications that are something else',
    { answers: { [`GET ${PUSH_PATHS.notifications}`]: answerJson([]) } },
    'notifications',
    /something else/,
    /not Tidewire/,
  ],
  [
    'a write that is refused',
    { answers: { 'POST /api/objects/reports/potholes': answerProblem(403, 'FORBIDDEN', 'Not you.') } },
    'write',
    /403: Not you\./,
    /may write/,
  ],
  ['a row that nobody hears of', { messages: () => [] }, 'object-message', /not told of the row/, /relay/],
  [
    'a row of which only the socket hears',
    { answers: { [`GET ${PUSH_PATHS.notifications}`]: answerJson(ocs([])) } },
    'notification-found',
    /register\/reports\/schema\/potholes is not listed/,
    /far behind/,
  ],
  [
    'a change that is not written down',
    {
      answers: {
        [`GET ${PUSH_PATHS.changes}`]: answerJson({
          changes: [],
          lastEventId: POSITION,
          more: false,
          resync: false,
        }),
      },
    },
    'change-found',
    /is not listed/,
    /far behind/,
  ],
  [
    'a row that cannot be deleted',
    {
      answers: {
        [`DELETE /api/objects/reports/potholes/${ROW}`]: answerProblem(403, 'FORBIDDEN', 'Not you.'),
      },
    },
    'delete',
    /Not you\./,
    /row is still there: delete \/api\/objects/,
  ],
];

test.each(FAULTS)('knows %s', async (_name, script, check, text, advice) => {
  await using server = await PushServer.start(script);
  const findings = await examine(server.origin, WRITE);
  expect(findings.ok).toBe(false);
  expect(namesOf(findings, 'failed')[0]).toBe(check);
  expect(findings.of(check)?.text).toMatch(text);
  expect(findings.of(check)?.advice).toMatch(advice);
  if (check !== 'delete') expect([...server.rows]).toEqual([]);
});
