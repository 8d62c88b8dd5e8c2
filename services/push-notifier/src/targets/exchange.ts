import { request as requestPlain } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { TargetError } from './target-error.ts';
import { hostOf } from './target-url.ts';

/** What is sent, and to which addresses. */
export interface Outgoing {
  readonly url: URL;
  /** Where the connection goes, whatever the name means by then. */
  readonly addresses: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What came back. */
export interface Incoming {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

const KEPT_BODY_BYTES = 1024;
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;
/** Interim answers (103 Early Hints) come once or twice. */
const MAX_INTERIM = 8;
/** Headers that say how the request is framed, and to whom: not the caller's. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

/**
 * One request over a connection of its own. Redirects are answers.
 *
 * @throws TargetError when there is no answer; the reason of `signal` when that ends it.
 */
export async function exchange(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Incoming>();
  const request = open(outgoing);
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop);
  let interim = 0;
  request.on('error', (error: Error & { code?: string }) => reject(toTargetError(error)));
  request.on('information', () => {
    interim += 1;
    if (interim > MAX_INTERIM) reject(malformed('It answers without coming to an end.'));
  });
  request.on('upgrade', (_answer, socket) => {
    socket.destroy();
    reject(malformed('It wants to speak another protocol.'));
  });
  request.on('response', (answer) => void readAnswer(answer).then(resolve, reject));
  request.end(outgoing.body);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
    request.destroy();
  }
}

function open({ url, addresses, headers, body }: Outgoing): ClientRequest {
  const host = hostOf(url);
  const given = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const options: RequestOptions = {
    method: 'POST',
    host,
    port: url.port === '' ? null : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: {
      ...Object.fromEntries(given),
      'Host': url.host,
      'Content-Length': String(body.length),
      'Connection': 'close',
    },
    // A pool would keep connections to addresses that were checked long ago.
    agent: false,
    lookup: lookUpIn(addresses),
    maxHeaderSize: MAX_HEAD_BYTES,
    insecureHTTPParser: false,
  };
  if (url.protocol === 'http:') return requestPlain(options);
  const servername = isIP(host) === 0 ? host : '';
  return requestSecure({ ...options, servername, rejectUnauthorized: true });
}

/** Answers with the addresses that were checked. Hosts that are addresses are not looked up, and were checked too. */
function lookUpIn(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all }, done) => {
    const [first] = known;
    if (all === true || first === undefined) done(null, known);
    else done(null, first.address, first.family);
  };
}

async function readAnswer(answer: IncomingMessage): Promise<Incoming> {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 999) throw malformed('Its status is none of a whole answer.');
  const kept: Buffer[] = [];
  let bytes = 0;
  let keptBytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) {
        throw new TargetError('too-large', `It answered more than ${MAX_BODY_BYTES} bytes.`);
      }
      if (keptBytes >= KEPT_BODY_BYTES) continue;
      kept.push(chunk.subarray(0, KEPT_BODY_BYTES - keptBytes));
      keptBytes += chunk.length;
    }
  } catch (error) {
    throw error instanceof TargetError ? error : malformed('Its answer broke off.');
  }
  const { 'retry-after': retryAfter } = answer.headers;
  return { status, retryAfter, body: Buffer.concat(kept).toString('utf8') };
}

function malformed(message: string): TargetError {
  return new TargetError('malformed-answer', message);
}

/** Only the code of an error is told on: its text may hold addresses. */
function toTargetError({ code = 'no code' }: Error & { code?: string }): TargetError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new TargetError('too-large', `The head of its answer has more than ${MAX_HEAD_BYTES} bytes.`);
  }
  if (code.startsWith('HPE_')) return malformed(`Its answer is not HTTP (${code}).`);
  return new TargetError('unreachable', `It cannot be reached (${code}).`);
}
