import { REQUEST_SUBJECTS, connectionsReplySchema, connectionsRequestSchema } from '@tidewire/contract';
import type { ConnectionsReply, ConnectionsRequest } from '@tidewire/contract';
import { BusUnavailableError } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { unavailable } from '@tidewire/rights';
import type { Logger } from '@tidewire/service-kit';

export interface GatewayClusterOptions {
  readonly bus: MessageBus;
  readonly logger: Logger;
  /** What this gateway answers. */
  readonly answer: (request: ConnectionsRequest) => Promise<ConnectionsReply>;
  /** The gateways that are there, this one included; undefined where that is not known. */
  readonly listAlive: () => Promise<ReadonlySet<string>> | undefined;
}

/** What the gateways answered, and whether one is missing that is known to be there, or may be. */
export interface ClusterAnswer {
  readonly replies: readonly ConnectionsReply[];
  readonly incomplete: boolean;
}

/** A gateway that is frozen or overrun must not hold the others' answers up for longer. */
const PATIENCE_MS = 1000;
/** Questions to all gateways that this one has under way: each costs every gateway something. */
const MOST_AT_ONCE = 16;
/** Renewals among them: they are anybody's, and must leave room for operators. */
const MOST_RENEWALS = 12;

/** All gateways together: one of them asks, every one answers for its own connections. */
export class GatewayCluster {
  readonly #options: GatewayClusterOptions;
  #running = 0;

  constructor(options: GatewayClusterOptions) {
    this.#options = options;
  }

  /** Answers the questions of all gateways, its own too. Returns how to stop. */
  start(): () => Promise<void> {
    const { bus, answer } = this.#options;
    return bus.respond(REQUEST_SUBJECTS.connections, {
      requestSchema: connectionsRequestSchema,
      handle: answer,
    });
  }

  /**
   * Asks every gateway. `isEnough` ends the wait with an answer after which no other one matters.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when too many questions are under way.
   */
  async ask(
    request: ConnectionsRequest,
    isEnough: (reply: ConnectionsReply) => boolean = () => false,
  ): Promise<ClusterAnswer> {
    const most = request.action === 'renew' ? MOST_RENEWALS : MOST_AT_ONCE;
    if (this.#running >= most) throw unavailable('Too many questions about connections at once');
    this.#running += 1;
    try {
      const expected = await this.#expected();
      const replies = await this.#gather(request, expected, isEnough);
      return { replies, incomplete: !isWhole(replies, expected) };
    } finally {
      this.#running -= 1;
    }
  }

  async #gather(
    request: ConnectionsRequest,
    expected: ReadonlySet<string> | undefined,
    isEnough: (reply: ConnectionsReply) => boolean,
  ): Promise<readonly ConnectionsReply[]> {
    const { bus, answer } = this.#options;
    try {
      return await bus.gather(REQUEST_SUBJECTS.connections, request, connectionsReplySchema, {
        timeoutMs: PATIENCE_MS,
        isComplete: (replies) => isWhole(replies, expected) || replies.some(isEnough),
      });
    } catch (error) {
      if (!(error instanceof BusUnavailableError)) throw error;
      // Cut off from the others: what it has itself it can still tell, and end.
      return [await answer(request)];
    }
  }

  async #expected(): Promise<ReadonlySet<string> | undefined> {
    try {
      return await this.#options.listAlive();
    } catch (error) {
      this.#options.logger.warn('living gateways are not known', { error });
      return undefined;
    }
  }
}

function isWhole(replies: readonly ConnectionsReply[], expected: ReadonlySet<string> | undefined): boolean {
  if (expected === undefined) return false;
  const answered = new Set(replies.map(({ gateway }) => gateway));
  return expected.isSubsetOf(answered);
}
