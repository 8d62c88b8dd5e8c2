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
const nothing = (): Promise<void> => Promise.resolve();

/** The ways to lose a right that the figures are about. */
export function listRevocations(town: RevocationTown): readonly Revocation[] {
  const { admin, organisation, elsewhere } = town;
  const readerOf = (index: number): RevocationTown['readers'][number] => {
    const reader = town.readers[(index * 7) % town.readers.length];
    if (reader === undefined) throw new Error('the town has no readers');
    return reader;
  };
  const nameOf = (index: number): string => {
    const place = (index * 7) % town.readers.length;
    return `${Math.floor(place / READERS_PER_TEAM)}/${place % READERS_PER_TEAM}/`;
  };
  const stream = (team: number, header: string): Opening => ({
    path: `/api/realtime/subscribe?topic=${town.topic(team)}`,
    header,
  });
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
        const { id, team } = readerOf(index);
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
        const { api } = readerOf(index);
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
        const reader = readerOf(index);
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
    {
      name: 'token',
      round: async (index) => {
        const { id: principal, team } = readerOf(index);
        const made = await admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
          principal,
          name: 'revoked',
        });
        return {
          victims: OWN,
          own: stream(team, `authorization: Bearer ${made.token}\r\n`),
          revoke: async () => admin.send('DELETE', `/api/auth/tokens/${made.id}`),
          restore: nothing,
        };
      },
    },
  ];
}
