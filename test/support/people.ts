import { randomUUID } from 'node:crypto';
import { SocketClient } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from './api.ts';
import type { Api } from './api.ts';

/** The groups that the person is in. */
export interface PersonOptions {
  readonly organisation: string;
  readonly groups?: readonly string[];
}

/** Somebody with a token, whose name no other test uses. */
export class Person {
  readonly id: string;
  readonly name: string;
  /** Through the edge. */
  readonly api: Api;
  readonly #token: string;

  constructor(who: { readonly id: string; readonly name: string }, origin: string, token: string) {
    this.id = who.id;
    this.name = who.name;
    this.api = createApi(origin, token);
    this.#token = token;
  }

  /** A socket on a gateway, or on the one that the edge chooses; throws when it is refused. */
  async connect(base: string): Promise<SocketClient> {
    const socket = await SocketClient.open(`${base}/api/realtime/subscribe`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    if (socket.status !== 101) throw new Error(`no socket for ${this.name}: ${socket.status} ${socket.body}`);
    return socket;
  }
}

export async function createOrganisation(platform: Platform): Promise<string> {
  const slug = `org-${randomUUID().slice(0, 13)}`;
  const admin = createApi(platform.origin, platform.adminToken);
  return (await admin.send<{ id: string }>('POST', '/api/organisations', { slug, name: slug })).id;
}

/** A principal that acts for one organisation. */
export async function createPerson(
  platform: Platform,
  name: string,
  { organisation, groups = [] }: PersonOptions,
): Promise<Person> {
  const admin = createApi(platform.origin, platform.adminToken);
  const suffix = randomUUID().slice(0, 13);
  const who = { id: `${name}-${suffix}`, name: `The ${name} ${suffix}` };
  await admin.send('POST', '/api/principals', {
    ...who,
    organisations: [organisation],
    activeOrganisation: organisation,
    groups: groups.map((group) => ({ organisation, group })),
  });
  const { token } = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
    principal: who.id,
    name: 'test',
  });
  return new Person(who, platform.origin, token);
}
