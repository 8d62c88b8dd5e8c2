import { ISSUER_AUDIENCE, startLocalIssuer } from '../support/issuer.ts';
import type { LocalIssuer } from '../support/issuer.ts';
import { bearer, noteEnd, take } from './tickets.ts';
import type { World } from './world.ts';

/** An issuer of access tokens that the platform trusts, and whom of the world it knows. */
export interface WorldIssuer extends AsyncDisposable {
  readonly id: string;
  readonly server: LocalIssuer;
  readonly linked: Set<string>;
  /** How many tokens were made, and how often the issuer was changed: no two are alike. */
  count: number;
}

const PATH = '/oracle';

/** Starts the issuer and has it trusted. It gives nobody a membership: those are the administrator's. */
export async function openIssuer(world: World): Promise<WorldIssuer> {
  const server = await startLocalIssuer();
  const made = await world.act<{ id: string }>('POST', '/api/issuers', {
    slug: `oracle-${Date.now()}`,
    issuer: `${server.url}${PATH}`,
    jwksUri: `${server.url}/keys`,
    audiences: [ISSUER_AUDIENCE],
    organisations: world.organisations,
    provisioning: 'existing',
  });
  if (made === undefined) throw new Error('the issuer was not made');
  return {
    id: made.id,
    server,
    linked: new Set(),
    count: 0,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Somebody comes with a new access token, and uses it from now on. */
export async function signIn(world: World, principal: string): Promise<void> {
  const issuer = await world.issuer();
  if (!issuer.linked.has(principal)) {
    await world.act('PUT', `/api/issuers/${issuer.id}/identities/${principal}`, { subject: principal });
    issuer.linked.add(principal);
  }
  issuer.count += 1;
  const token = await issuer.server.sign(PATH, { sub: principal, jti: String(issuer.count) });
  await take(world, { principal, type: 'access-token', headers: bearer(token) });
}

/** The issuer is trusted in another way: every access token of it ends, and who had one comes with another. */
export async function changeIssuer(world: World): Promise<string> {
  const issuer = await world.issuer();
  issuer.count += 1;
  await world.act('PATCH', `/api/issuers/${issuer.id}`, { clockSkewMs: issuer.count % 60_000 });
  const people = [...world.tickets].filter(([, { type }]) => type === 'access-token');
  for (const [, { credential }] of people) if (credential !== null) noteEnd(world, credential);
  for (const [principal] of people) if (world.people.includes(principal)) await signIn(world, principal);
  return `the issuer changes, and ${people.length} access tokens end`;
}
