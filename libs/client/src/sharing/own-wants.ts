import { ClientError } from '../client-error.ts';
import type { Link } from '../link/link.ts';
import { serve } from './want.ts';
import type { Want, Wanter } from './want.ts';

/** Who sees to what this tab wants: the leader, in this tab or through the channel. */
export interface WantServer {
  /** Until the answer is called. Never ends it before it has returned. */
  start(id: string, want: Want, wanter: Wanter): () => void;
}

interface OwnWant extends Wanter {
  readonly want: Want;
  /** It was told something and not that it is interrupted. */
  begun: boolean;
  /** On {@link OwnWants}' own connection: the shared one had no room. */
  apart: boolean;
  stop: (() => void) | undefined;
}

/** What this tab wants, whoever sees to it. */
export class OwnWants {
  readonly #createLink: () => Link;
  readonly #wants = new Map<string, OwnWant>();
  #server: WantServer | undefined;
  #apart: Link | undefined;
  #next = 1;

  constructor(createLink: () => Link) {
    this.#createLink = createLink;
  }

  add(want: Want, wanter: Wanter): () => void {
    const id = `w${this.#next++}`;
    const own: OwnWant = {
      // As it will be on the wire: a channel refuses what is not data.
      want: JSON.parse(JSON.stringify(want)) as Want,
      begun: false,
      apart: false,
      stop: undefined,
      position: () => wanter.position(),
      message: (message) => {
        own.begun = true;
        wanter.message(message);
      },
      interrupted: () => {
        if (!own.begun) return;
        own.begun = false;
        wanter.interrupted();
      },
      ended: (error) => {
        // A connection carries so and so much. What it has no room for would have had its own, if nothing were shared.
        if (error.code === 'TOO_MANY_SUBSCRIPTIONS' && !own.apart) return this.#setApart(own);
        this.#wants.delete(id);
        this.#tidy();
        wanter.ended(error);
      },
    };
    this.#wants.set(id, own);
    own.stop = this.#server?.start(id, own.want, own);
    return () => {
      if (!this.#wants.delete(id)) return;
      own.stop?.();
      this.#tidy();
    };
  }

  /** Undefined: somebody who wants nothing any more. */
  find(id: string): Wanter | undefined {
    const own = this.#wants.get(id);
    return own?.apart === true ? undefined : own;
  }

  /** From now on somebody else sees to it, from where each of the wanters is. Undefined: nobody does. */
  serveBy(server: WantServer | undefined): void {
    this.#server = server;
    const wants = [...this.#wants].filter(([, { apart }]) => !apart);
    for (const [, own] of wants) this.#stop(own);
    if (server === undefined) return;
    for (const [id, own] of wants) {
      // A wanter that was interrupted may have gone.
      if (this.#wants.get(id) === own) own.stop = server.start(id, own.want, own);
    }
  }

  /** Nobody sees to anything, and no connection is left. */
  rest(): void {
    this.serveBy(undefined);
    for (const own of this.#wants.values()) {
      this.#stop(own);
      own.apart = false;
    }
    this.#tidy();
  }

  /** For good. */
  close(error: ClientError): void {
    this.rest();
    const wants = [...this.#wants.values()];
    this.#wants.clear();
    for (const own of wants) if (own.want.kind === 'subscription') own.ended(error);
  }

  #stop(own: OwnWant): void {
    own.stop?.();
    own.stop = undefined;
    own.interrupted();
  }

  #setApart(own: OwnWant): void {
    this.#stop(own);
    own.apart = true;
    this.#apart ??= this.#openApart();
    own.stop = serve(this.#apart, own.want, own);
  }

  /** Of this connection nobody is told the status: what it is refused has to be said to those who are on it. */
  #openApart(): Link {
    const link = this.#createLink();
    link.watch(() => {
      const { state, error } = link.status;
      if (state !== 'refused') return;
      for (const own of this.#wants.values()) {
        if (own.apart) own.ended(error ?? new ClientError('UNAUTHORIZED', 'Authentication required'));
      }
    });
    return link;
  }

  #tidy(): void {
    if (this.#apart === undefined || [...this.#wants.values()].some(({ apart }) => apart)) return;
    const link = this.#apart;
    this.#apart = undefined;
    link.close();
  }
}
