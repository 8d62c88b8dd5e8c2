import { Finding } from '../finding.ts';
import type { Ticket } from '../tickets.ts';
import type { StreamListener } from '../transport.ts';
import type { LinkListener, LinkOptions, OpenLink, OperationLink, OperationMessage } from './graphql-link.ts';
import { endOf, statusOf } from './graphql-sse.ts';
import type { ResultError } from './graphql-sse.ts';

export interface GraphqlConnectionOptions extends LinkOptions {
  readonly open: OpenLink;
  readonly onFinding: (finding: Finding) => void;
  /** How many quiet points there were. */
  readonly quietPoints: () => number;
  /** Nobody is on it any more. */
  readonly onEnd: () => void;
}

interface Lane {
  readonly listener: StreamListener;
  readonly operation: object;
  begun: boolean;
}

/** What operations are called, some so that they would be mistaken for something else; each once on a connection. */
const NAMES = ['a', '__proto__', 'constructor', '"b" \\é', 'toString', '1'];
/** So few that some have several connections. */
const MOST_LANES = 4;
/** Quiet points after which nothing can be on its way any more that was said of an operation before it was ended. */
const ECHO = 2;

/** One connection of one principal, with the operations of several clients: a WebSocket, or a stream. */
export class GraphqlConnection {
  readonly options: GraphqlConnectionOptions;
  readonly #link: OperationLink;
  readonly #lanes = new Map<string, Lane>();
  /** After which quiet point operations were over: what is said of them was on its way. */
  readonly #retired = new Map<string, number>();
  #named = 0;
  #open = false;
  #over = false;

  constructor(options: GraphqlConnectionOptions) {
    this.options = options;
    this.#link = options.open(options, this.#listener());
  }

  get hasRoom(): boolean {
    return !this.#over && this.#lanes.size < MOST_LANES;
  }

  add(operation: object, listener: StreamListener): void {
    const name = NAMES[this.#named] ?? `operation-${this.#named}`;
    this.#named += 1;
    this.#lanes.set(name, { listener, operation, begun: false });
    if (this.#open) this.#link.subscribe(name, operation);
  }

  /** Ends an operation; the last one ends the connection. */
  remove(listener: StreamListener): void {
    const [name] = [...this.#lanes].find(([, lane]) => lane.listener === listener) ?? [];
    if (name === undefined) return;
    this.#retire(name);
    if (this.#lanes.size === 0) this.cut();
    else if (this.#open) void this.#end(name);
  }

  async #end(name: string): Promise<void> {
    this.#retired.set(name, Infinity);
    await this.#link.complete(name);
    this.#retired.set(name, this.options.quietPoints());
  }

  /** Breaks, without a word. */
  cut(): void {
    this.#link.cut();
  }

  #retire(name: string): void {
    this.#lanes.delete(name);
    this.#retired.set(name, this.options.quietPoints());
  }

  #listener(): LinkListener {
    return {
      opened: () => {
        this.#open = true;
        for (const [name, { operation }] of this.#lanes) this.#link.subscribe(name, operation);
      },
      message: (message) => this.#take(message),
      failed: (id, status, body) => this.#failed(id, status, body),
      refused: (status, body) => {
        for (const { listener } of this.#takeAll()) listener.refused(status, body);
      },
      closed: () => {
        for (const { listener } of this.#takeAll()) listener.closed();
      },
      broken: (what, detail) => this.#find('wrong-message', what, detail),
    };
  }

  #take(message: OperationMessage): void {
    const { id } = message;
    const lane = this.#lanes.get(id);
    if (lane === undefined) {
      const since = this.#retired.get(id);
      if (since === undefined) this.#find('leak', 'was told of an operation that it has not', message);
      else if (this.options.quietPoints() - since >= ECHO) {
        this.#find('leak', 'is still told of an operation that it has ended', message);
      }
      return;
    }
    switch (message.type) {
      case 'position':
        begin(lane);
        lane.listener.position(message.eventId);
        return;
      case 'next':
        this.#result(id, lane, message.payload as Result);
        return;
      case 'error':
        this.#refused(id, lane, message.payload as readonly ResultError[]);
        return;
      case 'complete':
        this.#find('loss', 'is told that an operation is over, and not why', message);
        this.#retire(id);
        lane.listener.closed();
    }
  }

  #result(id: string, lane: Lane, result: Result): void {
    const { data, errors, extensions = {} } = result;
    const { resync, credentialExpiring, eventId } = extensions;
    if (data === undefined && errors !== undefined) this.#refused(id, lane, errors);
    else if (data === null && credentialExpiring !== undefined) return;
    else {
      begin(lane);
      if (data === null && resync !== undefined) lane.listener.resync(JSON.stringify(resync));
      else lane.listener.event({ id: eventId ?? '', name: 'next', text: JSON.stringify(result) });
    }
  }

  /** The last that an operation is told. */
  #refused(id: string, { listener, begun }: Lane, errors: readonly ResultError[]): void {
    this.#retire(id);
    if (begun) {
      listener.ended(endOf(errors));
      listener.closed();
    } else listener.refused(statusOf(errors), JSON.stringify(errors));
    if (this.#lanes.size === 0) this.cut();
  }

  /** The stream was not there any more, or its credential. */
  #failed(id: string, status: number, body: string): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    this.#retire(id);
    if (![401, 404, 429].includes(status)) this.#find('wrong-refusal', 'may not subscribe', { status, body });
    lane.listener.closed();
    if (this.#lanes.size === 0) this.cut();
  }

  #takeAll(): Lane[] {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    if (!this.#over) this.options.onEnd();
    this.#over = true;
    return lanes;
  }

  #find(kind: Finding['kind'], what: string, detail: object): void {
    const { principal } = this.options.ticket;
    const lanes = [...this.#lanes.keys()];
    this.options.onFinding(
      new Finding(kind, `a connection of ${principal} ${what}`, { detail, lanes, base: this.options.base }),
    );
  }
}

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly ResultError[];
  readonly extensions?: {
    readonly resync?: object;
    readonly credentialExpiring?: object;
    readonly eventId?: string;
  };
}

/** An operation has begun when anything is said of it that is no refusal. */
function begin(lane: Lane): void {
  if (lane.begun) return;
  lane.begun = true;
  lane.listener.opened();
}

/** Whether a connection may be shared by who uses this. */
export function isOf({ options }: GraphqlConnection, { principal, credential }: Ticket): boolean {
  return options.ticket.principal === principal && options.ticket.credential === credential;
}
