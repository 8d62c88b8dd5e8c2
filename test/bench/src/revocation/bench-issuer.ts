import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

export const BENCH_AUDIENCE = 'https://tidewire.bench';

/** Issuers of access tokens on loopback, all with one key: `iss` is `url` with a path of its own. */
export interface BenchIssuer extends AsyncDisposable {
  readonly url: string;
  /** An access token of the issuer at `path`, good for ten minutes. */
  readonly sign: (path: string, claims: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** Starts a {@link BenchIssuer}; every path below it answers with the key. */
export async function startBenchIssuer(): Promise<BenchIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'bench', use: 'sig' }];
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
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
        .setIssuer(`${url}${path}`)
        .setAudience(BENCH_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('10 minutes')
        .sign(privateKey),
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
