import { createApi } from '../support/api.ts';
import type { Random } from './random.ts';
import type { Scopes } from './rights.ts';
import type { World } from './world.ts';

/** What a credential is, and where one of its kind is ended. */
export const COLLECTIONS = {
  'token': '/api/auth/tokens',
  'session': '/api/auth/sessions',
  'access-token': '/api/auth/access-tokens',
} as const;
export type TicketType = keyof typeof COLLECTIONS;

/** A credential as its holder uses it. */
export interface Ticket {
  readonly principal: string | null;
  readonly credential: string | null;
  /** What every request of it is sent with. */
  readonly headers: Readonly<Record<string, string>>;
  readonly type: TicketType;
  /** What the credential is limited to, as text. */
  readonly limits: string;
  /** Milliseconds since 1970; undefined: not as long as anybody here lives. */
  readonly expiresAt?: number | undefined;
}

/** Of somebody who shows no credential. */
export const NOBODY: Ticket = {
  principal: null,
  credential: null,
  headers: {},
  type: 'token',
  limits: '',
};

/** The headers of an API token. */
export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** The text of an API token, for those who say it otherwise than in a header. */
export function bearerToken({ headers }: Ticket): string {
  return (headers['authorization'] ?? '').replace(/^Bearer /, '');
}

/** Gives a principal an API token, which it uses from now on. `expiresAt`: milliseconds since 1970. */
export async function giveToken(
  world: World,
  principal: string,
  scopes: Scopes | null,
  expiresAt?: number,
): Promise<void> {
  const body = {
    principal,
    name: 'oracle',
    ...(scopes === null ? {} : { scopes }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  };
  const made = await world.act<{ id: string; token: string }>('POST', '/api/auth/tokens', body);
  if (made === undefined) throw new Error('a token was not made');
  const headers = bearer(made.token);
  const limits = JSON.stringify(scopes);
  world.tickets.set(principal, { principal, credential: made.id, headers, type: 'token', limits, expiresAt });
  world.model.granted(`credential/${made.id}`, { id: made.id, principal, scopes, ended: false });
}

/** Ends what a principal uses; until it has another one it uses what has ended. */
export async function endTicket(world: World, principal: string): Promise<void> {
  await endOf(world, world.ticket(principal));
}

/** Ends a credential that somebody uses, or did. */
export async function endOf(world: World, { credential, type }: Ticket): Promise<void> {
  if (credential === null) return;
  await world.act('DELETE', `${COLLECTIONS[type]}/${credential}`);
  noteEnd(world, credential);
}

/** Somebody logs in, with a password that was set before, and uses the session from now on. */
export async function logIn(world: World, random: Random, principal: string): Promise<void> {
  let password = world.passwords.get(principal);
  if (password === undefined) {
    await newPassword(world, random, principal);
    password = world.passwords.get(principal);
  }
  const origin = { origin: world.platform.origin };
  const body = { username: principal, password };
  const { status, headers } = await world.ask(
    createApi(world.platform.origin),
    'POST',
    '/api/auth/login',
    body,
    origin,
  );
  if (status !== 204) throw new Error(`${principal} may not log in: ${status}`);
  const session = { ...origin, cookie: cookieOf(headers) };
  await take(world, { principal, type: 'session', headers: session });
}

/** Uses a credential from now on that limits nothing and whose id is not known yet. */
export async function take(
  world: World,
  ticket: Pick<Ticket, 'type' | 'headers'> & { readonly principal: string },
): Promise<void> {
  const api = createApi(world.platform.origin);
  const me = await world.ask(api, 'GET', '/api/auth/me', undefined, ticket.headers);
  if (me.status !== 200) throw new Error(`${ticket.principal} is not let in: ${me.status}`);
  const { id } = (me.body as { readonly credential: { readonly id: string } }).credential;
  world.tickets.set(ticket.principal, { ...ticket, credential: id, limits: 'null' });
  const { principal } = ticket;
  world.model.granted(`credential/${id}`, { id, principal, scopes: null, ended: false });
}

/** The session gets another secret; it is the same credential, and its streams go on. */
export async function rotate(world: World, principal: string): Promise<void> {
  const ticket = world.ticket(principal);
  const api = createApi(world.platform.origin);
  const { status, headers } = await world.ask(
    api,
    'POST',
    '/api/auth/session/rotate',
    undefined,
    ticket.headers,
  );
  if (status !== 204) throw new Error(`the session of ${principal} is not rotated: ${status}`);
  const session = { ...ticket.headers, cookie: cookieOf(headers) };
  world.tickets.set(principal, { ...ticket, headers: session });
}

/** The administrator sets a password: what somebody was logged in with ends, tokens go on. */
export async function newPassword(world: World, random: Random, principal: string): Promise<void> {
  const password = `correct horse ${random.below(1_000_000_000)}`;
  await world.act('PUT', `/api/principals/${principal}/password`, { password });
  world.passwords.set(principal, password);
  const { credential, type } = world.tickets.get(principal) ?? NOBODY;
  if (type === 'session' && credential !== null) noteEnd(world, credential);
}

/** A credential that has ended with something else. */
export function noteEnd(world: World, id: string): void {
  const known = world.model.rights.credentials.get(id);
  if (known !== undefined) world.model.granted(`credential/${id}`, { ...known, ended: true });
}

function cookieOf(headers: Headers): string {
  const [cookie] = (headers.get('set-cookie') ?? '').split(';');
  if (cookie === undefined || !cookie.includes('=')) throw new Error('no cookie was set');
  return cookie;
}
