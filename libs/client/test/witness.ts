import type { StreamMessage, TableHandshake } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type {
  Handshake,
  TransportEnd,
  TransportListener,
  TransportOrder,
} from '../src/transports/transport.ts';

type MessageOf<Type extends StreamMessage['type']> = Extract<StreamMessage, { type: Type }>;

/** Writes down everything that a connection tells. */
export class Witness implements TransportListener {
  readonly messages: StreamMessage[] = [];
  readonly ends: TransportEnd[] = [];
  openings = 0;
  signs = 0;
  /** Thrown by every call, after it was written down. */
  fault: Error | undefined;
  onRefusal: ((subscriptionId: string) => void) | undefined;

  opened(): void {
    this.openings += 1;
    this.#stumble();
  }

  message(message: StreamMessage): void {
    this.messages.push(message);
    if (message.type === 'error' && message.subscriptionId !== undefined)
      this.onRefusal?.(message.subscriptionId);
    this.#stumble();
  }

  heard(): void {
    this.signs += 1;
    this.#stumble();
  }

  ended(end: TransportEnd): void {
    this.ends.push(end);
    this.#stumble();
  }

  /** Everything so far, in numbers: the same later means that nothing was told meanwhile. */
  get told(): number {
    return this.openings + this.messages.length + this.signs + this.ends.length;
  }

  of<Type extends StreamMessage['type']>(type: Type): readonly MessageOf<Type>[] {
    return this.messages.filter((message): message is MessageOf<Type> => message.type === type);
  }

  /** The place up to which a subscription was told everything: what it goes on from (PROTOCOL.md 5.2). */
  cursor(id: string): string | undefined {
    return this.messages.map((message) => placeIn(message, id)).findLast((place) => place !== undefined);
  }

  async until<Type extends StreamMessage['type']>(
    type: Type,
    count = 1,
  ): Promise<readonly MessageOf<Type>[]> {
    await waitFor(() => this.of(type).length >= count, {
      what: `${count} messages of type ${type} come`,
      timeoutMs: 15_000,
    });
    return this.of(type);
  }

  async untilOpened(): Promise<void> {
    await waitFor(() => this.openings > 0, { what: 'it is opened' });
  }

  async untilEnded(): Promise<TransportEnd> {
    await waitFor(() => this.ends.length > 0, { what: 'it ends', timeoutMs: 15_000 });
    const [end] = this.ends;
    if (end === undefined || this.ends.length > 1) throw new Error(`${this.ends.length} ends`);
    return end;
  }

  #stumble(): void {
    if (this.fault !== undefined) throw this.fault;
  }
}

function placeIn(message: StreamMessage, id: string): string | undefined {
  switch (message.type) {
    case 'resync':
      return message.scope?.includes(id) === false ? undefined : message.current;
    case 'event':
      return message.subscriptionId === id ? message.event.id : undefined;
    case 'subscribed':
    case 'change':
    case 'heartbeat':
      return message.subscriptionId === id ? message.eventId : undefined;
    default:
      return undefined;
  }
}

/** Subscriptions that stand as they were written. */
export class TestOrder implements TransportOrder {
  readonly url: string;
  readonly token: string | null;
  readonly handshakes: Handshake[];

  constructor(url: string, handshakes: readonly Handshake[] = [], token: string | null = 'secret') {
    this.url = url;
    this.token = token;
    this.handshakes = [...handshakes];
  }

  readonly subscriptions = (): readonly Handshake[] => this.handshakes.map((each) => this.now(each));

  protected now(handshake: Handshake): Handshake {
    return handshake;
  }

  /** Puts a handshake in the place of the one of its name, or beside the others. */
  set(handshake: Handshake): void {
    this.remove(handshake.subscriptionId);
    this.handshakes.push(handshake);
  }

  remove(subscriptionId: string): void {
    const place = this.handshakes.findIndex((each) => each.subscriptionId === subscriptionId);
    if (place >= 0) this.handshakes.splice(place, 1);
  }
}

/** Subscriptions with the cursors of a witness, and without those that it was told are refused: what a link has. */
export class FollowingOrder extends TestOrder {
  readonly #witness: Witness;

  constructor(witness: Witness, url: string, handshakes: readonly Handshake[], token: string | null) {
    super(url, handshakes, token);
    this.#witness = witness;
    witness.onRefusal = (subscriptionId) => this.remove(subscriptionId);
  }

  protected override now(handshake: Handshake): Handshake {
    const lastEventId = this.#witness.cursor(handshake.subscriptionId) ?? handshake.lastEventId;
    return { ...handshake, ...(lastEventId !== undefined && { lastEventId }) };
  }
}

/** A subscription to a table. */
export function toTable(
  subscriptionId: string,
  changes: Partial<Omit<TableHandshake, 'subscriptionId'>> = {},
): Handshake {
  return { type: 'subscribe', table: 'orders', subscriptionId, ...changes };
}
