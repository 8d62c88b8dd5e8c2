import type { StreamMessage } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { PresenceSink } from './link.ts';

interface Page {
  /** As it was asked for. */
  readonly pagePath: string;
  readonly sinks: Set<PresenceSink>;
  /** What the server calls it; undefined until it has said so on the connection that there is. */
  name: string | undefined;
  /** Who is there, as far as is known: for those who come later. */
  users: Map<string, PresentUser>;
}

type PresenceMessage = Extract<StreamMessage, { type: 'presence-sync' | 'join' | 'leave' }>;
type PresentUser = Extract<StreamMessage, { type: 'presence-sync' }>['users'][number];

/** The pages that somebody here is on. */
export class PageBook {
  readonly #pages = new Map<string, Page>();

  get size(): number {
    return this.#pages.size;
  }

  get paths(): readonly string[] {
    return [...this.#pages.keys()];
  }

  /** Whether the page has to be joined: nobody here was on it. */
  add(pagePath: string, sink: PresenceSink): boolean {
    const page = this.#pages.get(pagePath);
    if (page === undefined) {
      this.#pages.set(pagePath, { pagePath, sinks: new Set([sink]), name: undefined, users: new Map() });
      return true;
    }
    page.sinks.add(sink);
    if (page.name !== undefined) sink.message(syncOf(page.name, page));
    return false;
  }

  /** Whether the page has to be left: nobody here is on it any more. */
  remove(pagePath: string, sink: PresenceSink): boolean {
    const page = this.#pages.get(pagePath);
    if (page?.sinks.delete(sink) !== true || page.sinks.size > 0) return false;
    return this.#pages.delete(pagePath);
  }

  route(message: PresenceMessage): void {
    const name = message.type === 'join' ? message.user.pagePath : message.pagePath;
    const page = this.#find(name, message.type === 'presence-sync');
    if (page === undefined) return;
    if (message.type === 'presence-sync') {
      page.name = name;
      page.users = new Map(message.users.map((user) => [user.id, user]));
    } else if (message.type === 'join') page.users.set(message.user.id, message.user);
    else page.users.delete(message.userId);
    for (const sink of page.sinks) sink.message(message);
  }

  /** A refusal that names no subscription and no record is the answer to the oldest join that has none. */
  refuse({ code, message, detail }: Extract<StreamMessage, { type: 'error' }>): void {
    const page = [...this.#pages.values()].find(({ name }) => name === undefined);
    if (page === undefined) return;
    this.#pages.delete(page.pagePath);
    for (const sink of page.sinks) sink.refused(new ClientError(code, message, { errors: detail }));
  }

  interrupt(): void {
    for (const page of this.#pages.values()) {
      page.name = undefined;
      for (const sink of page.sinks) sink.interrupted();
    }
  }

  /** By the server's name; a page that has none yet may be told in another form than it was asked for. */
  #find(name: string, first: boolean): Page | undefined {
    const pages = [...this.#pages.values()];
    return (
      pages.find((page) => page.name === name) ??
      this.#pages.get(name) ??
      (first ? pages.find((page) => page.name === undefined) : undefined)
    );
  }
}

function syncOf(pagePath: string, { users }: Page): PresenceMessage {
  return { type: 'presence-sync', pagePath, users: [...users.values()] };
}
