import type { SocketMessage } from '@tidewire/test-kit';
import { waitFor } from '@tidewire/test-kit';
import { Finding } from './finding.ts';
import type { Random } from './random.ts';
import type { Rights } from './rights.ts';
import type { SharedSocket } from './transports/shared-socket.ts';
import type { World } from './world.ts';

interface Person {
  readonly id: string;
  readonly name: string;
}

/** One connection's stay on a page. */
interface Visit {
  readonly socket: SharedSocket;
  readonly principal: string;
  readonly path: string;
  /** Whom its client shows there, by id; nobody: the server took it off the page. */
  shown: ReadonlyMap<string, string>;
  /** The place in the log at which its client had left; undefined: it has not. */
  until: number | undefined;
  /** For which organisations it may still be taken for being there: its gateway died without a word. */
  haunts: ReadonlySet<string>;
}

/** What somebody was told of others on a page. */
interface Told {
  readonly reader: string;
  readonly path: string;
  readonly person: Person;
}

const PATIENCE_MS = 20_000;

/** Who is on which page, and what their clients are told of each other. */
export class Visits {
  /** Messages that named somebody. */
  named = 0;
  readonly #world: World;
  #visits: Visit[] = [];
  #told: Told[] = [];
  #judged = 0;

  constructor(world: World) {
    this.#world = world;
    world.sockets.listeners.push((socket, message) => this.#take(socket, message));
  }

  /** Some client comes to a page, or leaves one. */
  async step(random: Random): Promise<string> {
    const sockets = this.#world.sockets.all();
    if (sockets.length === 0) return 'nobody visits a page';
    const socket = random.pick(sockets);
    const { principal } = socket.ticket;
    const mine = this.#visits.filter((one) => one.socket === socket && one.until === undefined);
    const [old] = mine;
    if (old !== undefined && random.chance(0.4)) {
      await socket.say({ type: 'leave', pagePath: old.path });
      this.#end(old);
      return `${principal} leaves ${old.path}`;
    }
    const { table } = random.pick(this.#world.schemas);
    const path = random.pick(['/desk', '/desk', `/tables/${table}`]);
    // Written otherwise it is the same page.
    const pagePath = random.pick([path, `${path}/?of=${table}`, `/.${path}`]);
    const known = mine.find((one) => one.path === path);
    const visit = known ?? {
      socket,
      principal: principal ?? '',
      path,
      shown: new Map(),
      until: undefined,
      haunts: new Set(),
    };
    if (known === undefined) this.#visits.push(visit);
    const errors = await socket.say({ type: 'join', pagePath });
    if (errors !== undefined && errors.length > 0 && known === undefined) this.#end(visit);
    return `${principal} comes to ${path}${errors?.join() ?? ', and is gone'}`;
  }

  /** Waits until all are shown whoever is there, and nobody else. */
  async settle(): Promise<void> {
    this.#endLost();
    await waitFor(() => this.#findOdd() === undefined, {
      what: 'everybody is shown who is there',
      timeoutMs: PATIENCE_MS,
    }).catch(() => {
      const odd = this.#findOdd();
      if (odd === undefined) return;
      const { visit, surplus, missing } = odd;
      const own = this.#world.model.rights.principals.get(visit.principal)?.active;
      const isForeign = surplus.some((id) => this.#world.model.rights.principals.get(id)?.active !== own);
      throw new Finding(
        isForeign ? 'leak' : 'wrong-view',
        `${visit.principal} is shown others on ${visit.path} than are there`,
        {
          surplus,
          missing,
          gateway: visit.socket.options.base,
          visits: this.#visits.map(({ principal, path, until, shown }) => [
            principal,
            path,
            until,
            [...shown.keys()],
          ]),
          principals: [...this.#world.model.rights.principals.values()].map(({ id, active }) => [id, active]),
        },
      );
    });
  }

  /** Judges whom everybody was told of since the last time. */
  judge(position: number): void {
    const { history } = this.#world;
    this.#endLost();
    const all = history.rightsWithin(Math.min(this.#judged, position), position + 1);
    for (const told of this.#told) this.#judgeOne(told, all);
    this.named += this.#told.length;
    this.#told = [];
    this.#visits = this.#visits.filter(
      ({ until, haunts }) => until === undefined || until >= this.#judged || haunts.size > 0,
    );
    this.#judged = position;
  }

  #judgeOne({ reader, path, person }: Told, all: readonly Rights[]): void {
    const known = all.flatMap(({ principals }) => principals.get(person.id) ?? []);
    const organisations = new Set(known.map(({ active }) => active));
    const there = this.#visits.filter((one) => one.path === path && one.principal === person.id);
    for (const { haunts } of there) for (const organisation of haunts) organisations.add(organisation);
    const isColleague = all.some(({ principals }) => {
      const own = principals.get(reader)?.active ?? null;
      return own !== null && organisations.has(own);
    });
    const isNamed = known.length === 0 || known.some(({ name }) => name === person.name);
    if (isColleague && there.length > 0 && isNamed) return;
    throw new Finding('leak', `${reader} was told that somebody is on ${path}`, {
      person,
      organisations: [...organisations],
      isColleague,
      visits: there.length,
    });
  }

  #take(socket: SharedSocket, message: SocketMessage): void {
    if (message.type !== 'presence-sync' && message.type !== 'join' && message.type !== 'leave') return;
    const user = message['user'] as (Person & { readonly pagePath: string }) | undefined;
    const path = user?.pagePath ?? (message['pagePath'] as string);
    const visit = this.#visits.find(
      (one) => one.socket === socket && one.path === path && one.until === undefined,
    );
    if (visit === undefined) {
      socket.options.onFinding(
        new Finding('leak', 'a client was told of a page that it is not on', { message }),
      );
      return;
    }
    const shown = new Map(message.type === 'presence-sync' ? [] : visit.shown);
    const people =
      message.type === 'presence-sync' ? (message['users'] as readonly Person[]) : user && [user];
    for (const { id, name } of people ?? []) {
      shown.set(id, name);
      this.#told.push({ reader: visit.principal, path, person: { id, name } });
    }
    if (message.type === 'leave') shown.delete(message['userId'] as string);
    visit.shown = shown;
  }

  /** A client that does not show those who are there, but for those who may be taken for it. */
  #findOdd(): { visit: Visit; surplus: string[]; missing: string[] } | undefined {
    const { principals } = this.#world.model.rights;
    const open = this.#visits.filter((one) => one.until === undefined && !one.socket.isOver);
    const activeOf = (id: string): string | null => principals.get(id)?.active ?? null;
    for (const visit of open) {
      if (visit.shown.size === 0) continue;
      const own = activeOf(visit.principal);
      const there = new Set<string>();
      for (const { principal, path, shown } of open) {
        if (path === visit.path && shown.size > 0 && activeOf(principal) === own) there.add(principal);
      }
      const haunting = this.#visits.filter((one) => one.path === visit.path && one.haunts.has(own ?? ''));
      const perhaps = new Set(haunting.map(({ principal }) => principal));
      const surplus = [...visit.shown.keys()].filter((id) => !there.has(id) && !perhaps.has(id));
      const missing = [...there].filter((id) => !visit.shown.has(id));
      if (surplus.length + missing.length > 0) return { visit, surplus, missing };
    }
    return undefined;
  }

  #endLost(): void {
    for (const visit of this.#visits) if (visit.socket.isOver && visit.until === undefined) this.#end(visit);
  }

  #end(visit: Visit): void {
    const { history } = this.#world;
    visit.until = history.head;
    if (!visit.socket.isLost) return;
    const lately = history.rightsWithin(Math.min(this.#judged, history.head), history.head + 1);
    visit.haunts = new Set(lately.flatMap(({ principals }) => principals.get(visit.principal)?.active ?? []));
  }
}
