import { createApi } from '../../../support/api.ts';
import { ISSUER_AUDIENCE } from '../../../support/issuer.ts';
import type { LocalIssuer } from '../../../support/issuer.ts';
import type { RevocationTown } from './revocation-town.ts';
import { READERS_PER_TEAM, TEAMS } from './revocation-town.ts';

/** Streams that a round opens for itself. */
export interface Opening {
  readonly path: string;
  readonly header: string;
}

/** One right that is taken away, and how it is given back. */
export interface Round {
  /** The groups whose streams lose the right: the beginning of their names. */
  readonly victims: string;
  /** Streams of a group of that name, opened for this round; absent: those that are open anyway. */
  readonly own?: Opening;
  /** A row that is written all the time while the round lasts. */
  readonly row?: string;
  /** Resolves with the answer of the call that takes the right away. */
  readonly revoke: () => Promise<unknown>;
  readonly restore: () => Promise<unknown>;
}

export interface Revocation {
  readonly name: string;
  readonly round: (index: number) => Promise<Round>;
}

const OWN = 'own';
/** Readers are taken in an order in which neighbours are of different teams. */
const STRIDE = 7;
const nothing = (): Promise<void> => Promise.resolve();

/** The ways to lose a right that the figures are about. `base` is the public address. */
export function listRevocations(
  base: string,
  town: RevocationTown,
  issuer: LocalIssuer,
): readonly Revocation[] {
  const { admin, organisation, elsewhere } = town;
  const nameOf = (index: number): string => {
    const place = (index * STRIDE) % town.readers.length;
    return `${Math.floor(place / READERS_PER_TEAM)}/${place % READERS_PER_TEAM}/`;
  };
  return [
    {
      name: 'policy',
      round: async (index) => {
        const team = index % TEAMS;
        const path = `/api/policies/schema/${town.schemas[team]}`;
        return {
          victims: `${team}/`,
          revoke: async () => admin.send('PUT', path, { authorization: { read: ['nobody'] } }),
          restore: async () => admin.send('PUT', path, { authorization: town.rules(team) }),
        };
      },
    },
    {
      name: 'group',
      round: async (index) => {
        const { id, team } = readerOf(town, index);
        const path = `/api/groups/${organisation}/team-${team}/members/${id}`;
        return {
          victims: nameOf(index),
          revoke: async () => admin.send('DELETE', path),
          restore: async () => admin.send('PUT', path),
        };
      },
    },
    {
      name: 'organisation',
      round: async (index) => {
        const { api } = readerOf(town, index);
        const activate = async (id: string): Promise<unknown> =>
          api.send('POST', `/api/organisations/${id}/set-active`);
        return {
          victims: nameOf(index),
          revoke: async () => activate(elsewhere),
          restore: async () => activate(organisation),
        };
      },
    },
    {
      name: 'owner',
      round: async (index) => {
        const reader = readerOf(town, index);
        const next = town.readers.find(({ id }) => id !== reader.id);
        const { id } = await admin.send<{ id: string }>('POST', town.owned.path, {
          title: 'owned',
          _organisation: organisation,
        });
        await admin.send('PUT', `${town.owned.path}/${id}/owner`, { owner: reader.id });
        return {
          victims: OWN,
          own: {
            path: `/api/realtime/subscribe?topic=object/${id}`,
            header: `authorization: Bearer ${reader.token}\r\n`,
          },
          row: id,
          revoke: async () => admin.send('PUT', `${town.owned.path}/${id}/owner`, { owner: next?.id }),
          restore: nothing,
        };
      },
    },
    ...listCredentials(base, town, issuer),
  ];
}

/** The ways in which what a stream was opened with can end. */
function listCredentials(base: string, town: RevocationTown, issuer: LocalIssuer): readonly Revocation[] {
  const { admin, organisation } = town;
  const round = (team: number, header: string, revoke: Round['revoke']): Round => ({
    victims: OWN,
    own: { path: `/api/realtime/subscribe?topic=${town.topic(team)}`, header: `${header}\r\n` },
    revoke,
    restore: nothing,
  });
  return [
    {
      name: 'token',
      round: async (index) => {
        const { id: principal, team } = readerOf(town, index);
        const body = { principal, name: 'revoked' };
        const { id, token } = await admin.send<{ id: string; token: string }>(
          'POST',
          '/api/auth/tokens',
          body,
        );
        return round(team, `authorization: Bearer ${token}`, async () =>
          admin.send('DELETE', `/api/auth/tokens/${id}`),
        );
      },
    },
    {
      name: 'session',
      round: async (index) => {
        const { id, team } = readerOf(town, index);
        await admin.send('PUT', `/api/principals/${id}/password`, { password: PASSWORD });
        const cookie = await logIn(base, id);
        const headers = { cookie, origin: base };
        return round(team, `cookie: ${cookie}`, async () =>
          createApi(base).ask('POST', '/api/auth/logout', undefined, headers),
        );
      },
    },
    {
      name: 'issuer',
      round: async (index) => {
        const team = index % TEAMS;
        const slug = `bench-${index}`;
        const { id } = await admin.send<{ id: string }>('POST', '/api/issuers', {
          slug,
          issuer: `${issuer.url}/${slug}`,
          jwksUri: `${issuer.url}/keys`,
          audiences: [ISSUER_AUDIENCE],
          organisations: [organisation],
          claims: {
            groups: { claim: 'groups', map: { readers: { organisation, group: `team-${team}` } } },
          },
        });
        const token = await issuer.sign(`/${slug}`, { sub: 'reader', groups: ['readers'] });
        // Whom its first request makes a principal is in the log before the streams are opened.
        await createApi(base, token).send('GET', '/api/auth/me');
        await createApi(base, token).send('GET', '/api/realtime/topics');
        return round(team, `authorization: Bearer ${token}`, async () =>
          admin.send('DELETE', `/api/issuers/${id}`),
        );
      },
    },
  ];
}

const PASSWORD = 'a password of the benchmark';

/** The cookie of a new session. */
async function logIn(base: string, username: string): Promise<string> {
  const { status, headers } = await createApi(base).ask(
    'POST',
    '/api/auth/login',
    { username, password: PASSWORD },
    { origin: base },
  );
  const [cookie] = headers.getSetCookie();
  if (status !== 204 || cookie === undefined) throw new Error(`the login was refused with ${status}`);
  return cookie.split(';', 1)[0] ?? '';
}

function readerOf(town: RevocationTown, index: number): RevocationTown['readers'][number] {
  const reader = town.readers[(index * STRIDE) % town.readers.length];
  if (reader === undefined) throw new Error('the town has no readers');
  return reader;
}
