import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

export const ISSUER_AUDIENCE = 'https://tidewire.test';

/** Issuers of access tokens on loopback, all with one key: `iss` is `url` with a path of its own. */
export interface LocalIssuer extends AsyncDisposable {
  readonly url: string;
  /** An access token of the issuer at `path`, good for twelve hours. */
  readonly sign: (path: string, claims: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** Starts a {@link LocalIssuer}; every path below it answers with the key. */
export async function startLocalIssuer(): Promise<LocalIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'local', use: 'sig' }];
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    sign: (path, claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'local', typ: 'at+jwt' })
        .setIssuer(`${url}${path}`)
        .setAudience(ISSUER_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('12 hours')
        .sign(privateKey),
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
