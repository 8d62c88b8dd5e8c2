import { streamMessageSchema } from '@tidewire/contract';
import type { SocketClient, SocketMessage } from '@tidewire/test-kit';
import { waitFor } from '@tidewire/test-kit';
import type { Person } from './people.ts';

/** A lease, a sweep and the load of the machine. */
const PATIENCE_MS = 60_000;

/** One tab of somebody on one page, and whom it shows. */
export class PageVisitor implements Disposable {
  readonly person: Person;
  readonly socket: SocketClient;
  /** The gateway that the connection is on, by its own name. */
  readonly gateway: string;
  readonly #path: string;

  constructor(
    person: Person,
    socket: SocketClient,
    where: { readonly gateway: string; readonly path: string },
  ) {
    this.person = person;
    this.socket = socket;
    this.gateway = where.gateway;
    this.#path = where.path;
    socket.send({ type: 'join', pagePath: where.path });
  }

  /** Ids of those who are shown, from what was told so far; throws where that cannot be. */
  get users(): readonly string[] {
    let shown = new Set<string>();
    for (const message of this.socket.messages) shown = this.#apply(shown, message);
    return [...shown].toSorted();
  }

  /** How often the tab was told that somebody came, or left. */
  told(type: 'join' | 'leave', { id }: Person): number {
    return this.socket.of(type).filter(({ userId, user }) => (type === 'join' ? user?.id : userId) === id)
      .length;
  }

  /** Waits until exactly these are shown. */
  async untilShows(people: readonly Person[]): Promise<void> {
    const expected = people.map(({ id }) => id).toSorted();
    let shown: readonly string[] = [];
    try {
      await waitFor(() => (shown = this.users).join() === expected.join(), {
        what: 'everybody is shown',
        timeoutMs: PATIENCE_MS,
      });
    } catch (error) {
      throw new Error(`${this.person.id} sees ${shown.join()} and not ${expected.join()}`, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }

  #apply(shown: ReadonlySet<string>, text: SocketMessage): Set<string> {
    const message = streamMessageSchema.parse(text);
    const next = new Set(shown);
    const wrong = (what: string): Error =>
      new Error(`${this.person.id} was told ${what}: ${JSON.stringify(text)}`);
    if (message.type === 'presence-sync') {
      if (message.pagePath !== this.#path) throw wrong('of another page');
      const ids = message.users.map(({ id }) => id);
      if (new Set(ids).size < ids.length) throw wrong('of somebody twice');
      return new Set(ids);
    }
    if (message.type === 'join') {
      if (message.user.pagePath !== this.#path) throw wrong('of another page');
      if (next.has(message.user.id)) throw wrong('again who came');
      next.add(message.user.id);
    }
    if (message.type === 'leave' && !next.delete(message.userId)) throw wrong('who left and was not there');
    return next;
  }
}
