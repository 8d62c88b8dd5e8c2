import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import type { Configuration } from 'oidc-provider';

const CLIENT = 'a-single-page-app';
const REDIRECT = 'https://app.test/callback';

/** A person of the provider, and what its access tokens say besides who it is. */
export interface Account {
  readonly id: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A real OpenID provider on loopback. It signs everybody in who asks, as the account that is next. */
export interface OpenIdProvider extends AsyncDisposable {
  /** Its `iss`. */
  readonly url: string;
  /** Goes through the authorization code flow, with PKCE, as a browser would. */
  signIn(account: Account, resource: string): Promise<{ accessToken: string; idToken: string }>;
  /** Signs with another key from now on, and tells of that one only. */
  rotate(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts an {@link OpenIdProvider}. */
export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const accounts = new Map<string, Account>();
  let next: Account = { id: 'nobody', claims: {} };
  let handle: Handler = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const rotate = async (): Promise<void> => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256' };
    const provider = new Provider(url, configuration(accounts, key));
    const answer = provider.callback();
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') === true) {
        void provider.interactionFinished(request, response, { login: { accountId: next.id } });
      } else void answer(request, response);
    };
  };
  await rotate();

  return {
    url,
    rotate,
    signIn(account, resource) {
      next = account;
      accounts.set(account.id, account);
      return signIn(url, resource);
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function configuration(accounts: ReadonlyMap<string, Account>, key: object): Configuration {
  return {
    jwks: { keys: [key] },
    clients: [
      {
        client_id: CLIENT,
        token_endpoint_auth_method: 'none',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    ttl: { AccessToken: 600, IdToken: 600, Session: 600, Grant: 600, Interaction: 600 },
    cookies: { keys: ['cookies of a test'] },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (_context, token) =>
      'accountId' in token ? accounts.get(token.accountId)?.claims : undefined,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'use',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    // Nobody is asked for consent.
    async loadExistingGrant(context) {
      const { client, session, params, provider } = context.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      grant.addResourceScope(String(params?.['resource']), 'use');
      await grant.save();
      return grant;
    },
  };
}

async function signIn(url: string, resource: string): Promise<{ accessToken: string; idToken: string }> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid use',
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = await follow(`${url}/auth?${query.toString()}`);
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      code,
      code_verifier: verifier,
      resource,
    }),
  });
  const answer = (await response.json()) as { access_token?: string; id_token?: string };
  if (answer.access_token === undefined || answer.id_token === undefined) {
    throw new Error(`the provider gave no tokens: ${JSON.stringify(answer)}`);
  }
  return { accessToken: answer.access_token, idToken: answer.id_token };
}

/** Follows redirects with cookies, as a browser does, until the app is called back; gives the code that it gets. */
async function follow(from: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(from);
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { headers: { cookie }, redirect: 'manual' });
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';');
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = response.headers.get('location');
    if (location === null)
      throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
    const code = url.searchParams.get('code');
    if (url.href.startsWith(REDIRECT) && code !== null) return code;
    if (url.href.startsWith(REDIRECT)) throw new Error(`the provider refused: ${url.search}`);
  }
  throw new Error('the provider redirects for ever');
}
