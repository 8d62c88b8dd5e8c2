import type { Reader } from '@tidewire/rights';

/** Those who are connected, by who they are and by the credential that they came with. */
export class SocketRegistry<Who extends Reader> {
  readonly #all = new Set<Who>();
  readonly #byPrincipal = new Map<string | null, Set<Who>>();
  readonly #byCredential = new Map<string | null, Set<Who>>();

  get size(): number {
    return this.#all.size;
  }

  /** How many principals there are. */
  get principals(): number {
    return this.#byPrincipal.size;
  }

  add(socket: Who): void {
    this.#all.add(socket);
    put(this.#byPrincipal, socket.principalId, socket);
    put(this.#byCredential, socket.credentialId, socket);
  }

  remove(socket: Who): void {
    this.#all.delete(socket);
    takeOut(this.#byPrincipal, socket.principalId, socket);
    takeOut(this.#byCredential, socket.credentialId, socket);
  }

  /** These may be left while they are walked through. */
  all(): ReadonlySet<Who> {
    return this.#all;
  }

  ofPrincipal(id: string | null): ReadonlySet<Who> {
    return this.#byPrincipal.get(id) ?? new Set();
  }

  ofCredential(id: string | null): ReadonlySet<Who> {
    return this.#byCredential.get(id) ?? new Set();
  }
}

function put<Who>(sets: Map<string | null, Set<Who>>, key: string | null, socket: Who): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([socket]));
  else set.add(socket);
}

function takeOut<Who>(sets: Map<string | null, Set<Who>>, key: string | null, socket: Who): void {
  const set = sets.get(key);
  set?.delete(socket);
  if (set?.size === 0) sets.delete(key);
}
