import { TidewireError } from '@tidewire/contract';
import type {
  ConnectionFilter,
  ConnectionInfo,
  ConnectionPage,
  ConnectionsEnded,
  ConnectionsReply,
  ConnectionsRequest,
} from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { unavailable } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { ConnectionRegistry } from './connection-registry.ts';
import type { GatewayCluster } from './gateway-cluster.ts';
import { renewHere } from './renewal.ts';
import type { RenewalOptions } from './renewal.ts';

export interface ConnectionsOptions extends RenewalOptions {
  readonly registry: ConnectionRegistry;
  readonly cluster: () => GatewayCluster;
  readonly instance: string;
  /** Told how a renewal came out, for metrics. */
  readonly onRenewal: (outcome: RenewalOutcome) => void;
}

export type RenewalOutcome = Extract<ConnectionsReply, { action: 'renew' }>['outcome'];
type ListReply = Extract<ConnectionsReply, { action: 'list' }>;
type RenewReply = Extract<ConnectionsReply, { action: 'renew' }>;

/** An answer can be overtaken by changes of more principals than are remembered; see the admission. */
const ATTEMPTS = 3;

/** The connections of all gateways: listed, ended, renewed. Who may do so is looked at before. */
export class Connections {
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** What this gateway answers to a question that one of them asks all. */
  async answer(request: ConnectionsRequest): Promise<ConnectionsReply> {
    const { registry, instance } = this.#options;
    switch (request.action) {
      case 'list':
        return registry.list(request);
      case 'end':
        return { action: 'end', gateway: instance, ended: registry.end(request.filter) };
      case 'renew':
        return { action: 'renew', gateway: instance, ...(await renewHere(this.#options, request)) };
    }
  }

  async list(filter: ConnectionFilter, page: { limit: number; cursor?: string }): Promise<ConnectionPage> {
    const { limit, cursor = null } = page;
    const answer = await this.#options.cluster().ask({ action: 'list', filter, after: cursor, limit });
    const replies = answer.replies.filter((reply) => reply.action === 'list');
    return {
      ...mergePages(replies, limit),
      total: replies.reduce((sum, { total }) => sum + total, 0),
      incomplete: answer.incomplete,
    };
  }

  async end(filter: ConnectionFilter): Promise<ConnectionsEnded> {
    return await this.#end(filter);
  }

  /** @throws TidewireError NOT_FOUND; SERVICE_UNAVAILABLE when it may be at a gateway that did not answer. */
  async endOne(id: string): Promise<void> {
    const { ended, incomplete } = await this.#end({ id });
    if (ended === 0) throw notFound(incomplete);
  }

  /**
   * Lets a connection, wherever it is, live by the credential of `reader`, whose states are held in this gateway's view.
   *
   * @throws TidewireError NOT_FOUND for one that is not there or another principal's, FORBIDDEN when the credential may not
   * read what the connection is subscribed to, SERVICE_UNAVAILABLE when nobody can say.
   */
  async renew(id: string, reader: Reader): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { reply, incomplete } = await this.#renew(id, reader);
      if (reply?.outcome === 'stale') continue;
      this.#options.onRenewal(reply?.outcome ?? 'unknown');
      if (reply === undefined) throw notFound(incomplete);
      if (reply.refusal === undefined) return;
      throw new TidewireError(reply.refusal.code, reply.refusal.message, { retryAfterSeconds: 1 });
    }
    this.#options.onRenewal('stale');
    throw unavailable('the rights of this principal change too quickly');
  }

  async #renew(id: string, reader: Reader): Promise<{ reply: RenewReply | undefined; incomplete: boolean }> {
    const request: ConnectionsRequest = { action: 'renew', id, ...this.#statesOf(reader) };
    const isKnown = (reply: ConnectionsReply): reply is RenewReply =>
      reply.action === 'renew' && reply.outcome !== 'unknown';
    // Mostly it is here, and then nobody else need be asked.
    const own = await this.answer(request);
    if (isKnown(own)) return { reply: own, incomplete: false };
    const { replies, incomplete } = await this.#options.cluster().ask(request, isKnown);
    return { reply: replies.find(isKnown), incomplete };
  }

  /** What the log has told of a reader; its secret is known to nobody here. */
  #statesOf({
    principalId,
    credentialId,
  }: Reader): Pick<
    Extract<ConnectionsRequest, { action: 'renew' }>,
    'principal' | 'credential' | 'position'
  > {
    const view: RightsView = this.#options.rights.view;
    const principal = principalId === null ? undefined : view.principal(principalId);
    const credential = credentialId === null ? undefined : view.credential(credentialId);
    const epoch = this.#options.epoch();
    if (principal === undefined || credential === undefined || epoch === undefined) {
      throw unavailable('The rights were loaded anew meanwhile');
    }
    return { principal, credential, position: { epoch, sequence: view.sequence } };
  }

  async #end(filter: ConnectionFilter & { readonly id?: string }): Promise<ConnectionsEnded> {
    const isLast = (reply: ConnectionsReply): boolean =>
      filter.id !== undefined && reply.action === 'end' && reply.ended > 0;
    const { replies, incomplete } = await this.#options.cluster().ask({ action: 'end', filter }, isLast);
    const ended = replies.reduce((sum, reply) => sum + (reply.action === 'end' ? reply.ended : 0), 0);
    return { ended, incomplete };
  }
}

/**
 * Joins the pages of the gateways. One that has more behind its last connection says nothing about the ids after that, so
 * nothing behind it is told yet.
 */
function mergePages(
  replies: readonly ListReply[],
  limit: number,
): { connections: ConnectionInfo[]; next: string | null } {
  const ends = replies.flatMap(({ more, connections }) => (more ? (connections.at(-1)?.id ?? []) : []));
  const [end] = ends.toSorted();
  const known = replies
    .flatMap(({ connections }) => connections)
    .filter(({ id }) => end === undefined || id <= end)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const connections = known.slice(0, limit);
  const isLast = end === undefined && connections.length === known.length;
  return { connections, next: isLast ? null : (connections.at(-1)?.id ?? null) };
}

/** What may be at a gateway that did not answer is not said to be nowhere. */
function notFound(incomplete: boolean): TidewireError {
  return incomplete
    ? unavailable('Not every gateway answered')
    : new TidewireError('NOT_FOUND', 'There is no such connection');
}
