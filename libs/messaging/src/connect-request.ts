import { verifyServerClaims } from './account-key.ts';

/** What a client showed to a server of NATS that does not know it. Whatever is text here was chosen by the client. */
export interface ConnectRequest {
  /** `auth_token`; undefined when there is none. */
  readonly token: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The client's network address, as the server sees it; empty when it does not say. */
  readonly host: string;
}

/** A question of a server, and where the answer has to go. */
export interface ServerQuestion {
  /** Undefined for what is nobody's here: leaf nodes, and clients with keys or JWTs of their own. */
  readonly request: ConnectRequest | undefined;
  /** The key that the server made for this connection; the answer is about it. */
  readonly userKey: string;
  /** The server that asks. */
  readonly server: string;
}

/** A server's question has the client's whole CONNECT in it, which a server bounds; this is far above. */
const MAX_QUESTION_BYTES = 64 * 1024;
const SERVER_AUDIENCE = 'nats-authorization-request';

/** Reads what a server asks on `$SYS.REQ.USER.AUTH`, in claims that it signed itself. Undefined for anything else. */
export function readServerQuestion(payload: Uint8Array): ServerQuestion | undefined {
  if (payload.byteLength > MAX_QUESTION_BYTES) return undefined;
  const claims = verifyServerClaims(Buffer.from(payload).toString('latin1'));
  if (claims?.['aud'] !== SERVER_AUDIENCE) return undefined;
  const nats = members(claims['nats']);
  const server = text(members(nats['server_id'])['id']);
  const userKey = text(nats['user_nkey']);
  if (nats['type'] !== 'authorization_request' || server === undefined || server !== claims['iss']) {
    return undefined;
  }
  if (userKey === undefined || !/^U[A-Z2-7]{55}$/.test(userKey)) return undefined;
  return { server, userKey, request: readConnect(nats) };
}

function readConnect(nats: Readonly<Record<string, unknown>>): ConnectRequest | undefined {
  const client = members(nats['client_info']);
  const options = members(nats['connect_opts']);
  if (client['kind'] !== 'Client' || isGiven(options['jwt']) || isGiven(options['nkey'])) return undefined;
  return {
    token: text(options['auth_token']),
    user: text(options['user']),
    password: text(options['pass']),
    host: text(client['host']) ?? '',
  };
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Text that is not empty: servers leave out what is. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
