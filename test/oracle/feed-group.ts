import type { FeedRequest } from '@tidewire/contract';
import type { Interest, Viewer } from './expectation.ts';
import type { Finding } from './finding.ts';
import { GroupLedger } from './group-ledger.ts';
import { GroupWorker } from './group-worker.ts';
import type { Listing } from './lists.ts';
import { Random } from './random.ts';
import type { Image, Schema } from './rights.ts';
import { ShownRows } from './shown-rows.ts';
import { sequenceOf } from './subscriber.ts';
import type { Gateway } from './gateway.ts';
import type { Follower } from './follower.ts';
import type { Ticket } from './tickets.ts';
import { addressOf, asSubscriber, isForNats } from './transports/nats-connections.ts';
import type { NatsConnections } from './transports/nats-connections.ts';
import { wishOf } from './transports/nats.ts';

export interface FeedGroupOptions {
  readonly name: string;
  readonly interest: Interest;
  /** The principal's credential of now. */
  readonly ticket: () => Ticket;
  /** Whether its principal is no more, or what it follows. */
  readonly isOver: () => boolean;
  readonly gateways: readonly Gateway[];
  readonly nats: NatsConnections;
  readonly workers: number;
  readonly onFinding: (finding: Finding) => void;
  readonly random: Random;
}

/** Workers of one principal that share a feed, and keep what it tells of: together they are one client. */
export class FeedGroup implements Follower {
  readonly options: FeedGroupOptions;
  readonly ledger: GroupLedger;
  readonly wish: FeedRequest;
  unlisted: ReadonlySet<string> = new Set();
  /** Everything up to here was judged. */
  completeUpTo = 0;
  stale = true;
  freshAt = 0;
  refusal: Follower['refusal'];
  readonly sentAway = undefined;
  readonly connection = undefined;
  readonly trail: string[] = [];
  readonly #rows: ShownRows;
  readonly #workers: GroupWorker[];
  readonly #address: string;

  constructor(options: FeedGroupOptions) {
    const { name, interest, nats, random, workers, ticket, onFinding } = options;
    this.options = options;
    this.#address = addressOf(ticket());
    this.#rows = new ShownRows(interest);
    this.wish = { ...wishOf(interest), group: name };
    this.ledger = new GroupLedger({
      name,
      onFinding,
      onDone: ({ event, sequence }) => this.#rows.told({ event, sequence }),
      onResync: (text) => this.#resync(text),
    });
    this.#workers = Array.from(
      { length: workers },
      () => new GroupWorker(this, nats, new Random(random.below(2 ** 31))),
    );
    for (const worker of this.#workers) worker.start();
  }

  get viewer(): Viewer {
    const { principal, credential } = asSubscriber(this.options.ticket());
    return { asker: { principal, credential }, interest: this.options.interest };
  }

  get isOver(): boolean {
    return this.options.isOver();
  }

  /** Whether its workers have no credential with which they would be the same subscriber. */
  get isLeft(): boolean {
    return this.ticket() === undefined;
  }

  get state(): string {
    const { place, start } = this.ledger;
    const { name } = this.options;
    return `${name}: from ${start}, at ${place}, ${this.refusal === undefined ? 'let in' : 'refused'}`;
  }

  /** By what its workers come; undefined: by nothing at the moment. */
  ticket(): Ticket | undefined {
    const ticket = this.options.ticket();
    return !this.isOver && isForNats(ticket) && addressOf(ticket) === this.#address ? ticket : undefined;
  }

  /** What all gateways have reached. */
  floor(): number {
    return Math.min(...this.options.gateways.map(({ reached }) => reached));
  }

  /** Whether everything up to a place was done. */
  hasReached(sequence: number): boolean {
    if (this.refusal !== undefined || this.isLeft) return true;
    const { expiresAt = Infinity } = this.options.ticket();
    return expiresAt <= Date.now() || this.ledger.place >= sequence;
  }

  /** Asks again whoever was refused. */
  wake(): void {
    if (this.refusal === undefined) return;
    this.refusal = undefined;
    for (const worker of this.#workers) worker.start();
  }

  refused(status: number, body: string): void {
    // Revoked a moment ago, not ready, or taken over: neither says anything about what is followed.
    if (status === 401 || status === 429 || status >= 500) return;
    this.refusal = { status, body };
  }

  admitted(): void {
    this.refusal = undefined;
  }

  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }

  restart(listings: readonly Listing[]): void {
    this.#rows.restart(listings);
    this.stale = false;
    this.freshAt = Date.now();
  }

  view(schemaOf: (register: string, schema: string) => Schema | undefined): ReadonlyMap<string, Image> {
    return this.#rows.view(schemaOf);
  }

  #resync(text: string): void {
    const { reason, current } = JSON.parse(text) as { readonly reason: string; readonly current: string };
    this.trail.push(`resync ${reason} ${sequenceOf(current)}`);
    this.stale = true;
    this.freshAt = Date.now();
    this.#rows.discard();
  }
}
