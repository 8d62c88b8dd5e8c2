import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';

export const AUDIENCE = 'https://tidewire.test';

interface Key {
  readonly id: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: JWK;
}

/** An issuer on loopback that does as it is told, wrong things included. */
export interface TestIssuer extends AsyncDisposable {
  /** Its `iss`. */
  readonly url: string;
  /** How often its keys were asked for. */
  readonly keyRequests: () => number;
  /** The public keys that it tells of. */
  readonly keys: JWK[];
  /** Signs with other keys from now on, and tells of those only. */
  rotate(): Promise<void>;
  /** Answers requests for its keys in another way; undefined: as usual. */
  answerKeys(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  /** A token as its own; `claims` and `header` replace, undefined leaves out. */
  sign(
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
  /** Answers nobody any more, and again at the same address. */
  close(): Promise<void>;
  reopen(): Promise<void>;
}

export interface TestIssuerOptions {
  /** `now` of tokens, milliseconds since 1970. */
  readonly now: () => number;
  readonly algorithm?: string;
}

async function createKey(id: string, algorithm: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { id, algorithm, privateKey, publicKey: { ...(await exportJWK(publicKey)), kid: id, use: 'sig' } };
}

/** Starts a {@link TestIssuer}. */
export async function startTestIssuer({ now, algorithm = 'ES256' }: TestIssuerOptions): Promise<TestIssuer> {
  let generation = 1;
  let key = await createKey('key-1', algorithm);
  const keys = [key.publicKey];
  let requests = 0;
  let answerKeys: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  let url = '';
  const json = (response: ServerResponse, value: unknown): void => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
  const server = createServer((request, response) => {
    if (request.url === '/.well-known/openid-configuration') {
      json(response, { issuer: url, jwks_uri: `${url}/keys` });
      return;
    }
    requests += 1;
    if (answerKeys === undefined) json(response, { keys });
    else answerKeys(request, response);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;

  return {
    url,
    keys,
    keyRequests: () => requests,
    async rotate() {
      generation += 1;
      key = await createKey(`key-${generation}`, algorithm);
      keys.splice(0, keys.length, key.publicKey);
    },
    answerKeys(answer) {
      answerKeys = answer;
    },
    sign(claims = {}, header = {}) {
      const seconds = Math.floor(now() / 1000);
      const usual = { iss: url, aud: AUDIENCE, sub: 'subject-1', iat: seconds, exp: seconds + 600 };
      const protectedHeader = { alg: key.algorithm, kid: key.id, typ: 'at+jwt', ...header };
      return new SignJWT({ ...usual, ...claims }).setProtectedHeader(protectedHeader).sign(key.privateKey);
    },
    close,
    reopen: () => listen(port),
    [Symbol.asyncDispose]: close,
  };
}
