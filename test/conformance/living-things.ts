import { randomUUID } from 'node:crypto';
import { GRAPHQL_PATHS, GRAPHQL_STREAM_TOKEN_HEADER } from '@tidewire/contract';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { ISSUER_AUDIENCE, startLocalIssuer } from '../support/issuer.ts';
import type { LocalIssuer } from '../support/issuer.ts';

export interface LivingThingsOptions {
  readonly platform: Platform;
  /** The administrator that the requests do not know. */
  readonly root: Api;
  /** Makes somebody who can read, and says who it is. */
  readonly newMember: () => Promise<string>;
  /** Tells of a name that exists now. */
  readonly learn: (kind: string, name: string) => void;
}

const PASSWORD = 'a password for requests';
const ISSUER_PATH = '/fuzz';
/** Streams that are open at once: those that were opened last. */
const MOST_STREAMS = 12;

/** What a request can name only while somebody else keeps it: sessions, streams, and access tokens of an issuer. */
export class LivingThings implements AsyncDisposable {
  readonly #options: LivingThingsOptions;
  readonly #streams: AbortController[] = [];
  #server: LocalIssuer | undefined;
  #issuer = '';
  /** Who logged in last, and can do so again. */
  account = { username: '', password: PASSWORD };
  /** The headers of that session. */
  session: Readonly<Record<string, string>> = {};

  constructor(options: LivingThingsOptions) {
    this.#options = options;
  }

  /** Tokens of GraphQL's shared streams, half of them of streams that are open. */
  graphqlStreams: readonly string[] = [];

  /** Somebody new of each kind; a stream of `topic` for each of the tokens. */
  async renew(tokens: readonly string[], topic: string): Promise<void> {
    await this.#logIn();
    await this.#signIn();
    this.graphqlStreams = [];
    for (const token of tokens) {
      await this.#openStream(token, topic);
      await this.#openGraphqlStream(token);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.abort();
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #logIn(): Promise<void> {
    const { platform, root, newMember, learn } = this.#options;
    const username = await newMember();
    await root.send('PUT', `/api/principals/${username}/password`, { password: PASSWORD });
    this.account = { username, password: PASSWORD };
    const origin = { origin: platform.origin };
    const api = createApi(platform.origin);
    const { status, headers } = await api.ask('POST', '/api/auth/login', this.account, origin);
    // Too many failed logins of the requests: another time.
    if (status !== 204) return;
    const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
    this.session = { ...origin, cookie };
    const me = await api.ask('GET', '/api/auth/me', undefined, this.session);
    learn('session', credentialIn(me.body));
  }

  /** The issuer is not among the names that requests change or take away. */
  async #signIn(): Promise<void> {
    const { platform, root, newMember, learn } = this.#options;
    this.#server ??= await startLocalIssuer();
    if (this.#issuer === '') this.#issuer = await this.#trustIssuer(this.#server);
    const principal = await newMember();
    await root.send('PUT', `/api/issuers/${this.#issuer}/identities/${principal}`, { subject: principal });
    learn('linked', principal);
    const token = await this.#server.sign(ISSUER_PATH, { sub: principal, jti: randomUUID() });
    const me = await createApi(platform.origin, token).ask('GET', '/api/auth/me');
    learn('access-token', credentialIn(me.body));
  }

  async #trustIssuer({ url }: LocalIssuer): Promise<string> {
    const made = await this.#options.root.send<{ id: string }>('POST', '/api/issuers', {
      slug: 'fuzz-login',
      issuer: `${url}${ISSUER_PATH}`,
      jwksUri: `${url}/keys`,
      audiences: [ISSUER_AUDIENCE],
      organisations: [],
    });
    this.#options.learn('linking-issuer', made.id);
    return made.id;
  }

  /** One that is open, and one that is reserved. */
  async #openGraphqlStream(token: string): Promise<void> {
    const url = `${this.#options.platform.origin}${GRAPHQL_PATHS.stream}`;
    const credential = { authorization: `Bearer ${token}` };
    for (const isOpened of [true, false]) {
      const reserved = await fetch(url, { method: 'PUT', headers: credential });
      const name = await reserved.text();
      if (reserved.status !== 201) continue;
      if (isOpened) await this.#keepOpen(url, { ...credential, [GRAPHQL_STREAM_TOKEN_HEADER]: name });
      this.graphqlStreams = [...this.graphqlStreams, name];
    }
  }

  async #openStream(token: string, topic: string): Promise<void> {
    const { platform, learn } = this.#options;
    const url = `${platform.origin}/api/realtime/subscribe?topic=${topic}`;
    const connection = await this.#keepOpen(url, { authorization: `Bearer ${token}` });
    if (connection !== null) learn('connection', connection);
  }

  /** The id of the connection; null when there is none. */
  async #keepOpen(url: string, headers: Readonly<Record<string, string>>): Promise<string | null> {
    const abort = new AbortController();
    const answer = await fetch(url, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    });
    const connection = answer.headers.get('tidewire-connection');
    if (connection === null) {
      abort.abort();
      return null;
    }
    this.#streams.push(abort);
    if (this.#streams.length > MOST_STREAMS) this.#streams.shift()?.abort();
    return connection;
  }
}

function credentialIn(caller: unknown): string {
  return (caller as { readonly credential: { readonly id: string } }).credential.id;
}
