import { formatEventId, streamStatusSchema } from '@tidewire/contract';
import type { LogPosition, StreamStatus, Transport } from '@tidewire/contract';
import { isAdministrator } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { HttpServer } from '@tidewire/service-kit';
import type { Stream, Streams } from '../transports/stream.ts';
import { admitRequest } from './admit-request.ts';
import type { TopicsRouteOptions } from './topics.ts';

export interface StatusRouteOptions extends Omit<TopicsRouteOptions, 'requireReady'> {
  /** @throws TidewireError while the rights were not loaded yet. Once they were, a server that is behind says so here. */
  readonly requireRights: () => void;
  /** Whether events are delivered: rights are those of now. */
  readonly fresh: () => boolean;
  readonly streams: Streams;
  readonly heartbeatMs: number;
  /** Ways to be told that this server has. */
  readonly transports: readonly Transport[];
  readonly oldest: () => LogPosition;
  readonly newest: () => LogPosition;
}

/** `GET /api/realtime/status`: the caller's own streams, and what can be replayed; totals for administrators. */
export function registerStatusRoute(app: HttpServer, options: StatusRouteOptions): void {
  app.get('/api/realtime/status', {
    config: { authentication: 'none' },
    schema: {
      response: { 200: streamStatusSchema },
    },
    handler: async (request): Promise<StreamStatus> => {
      options.requireRights();
      const admission = await admitRequest(request.raw, options);
      try {
        return describeStatus(options, admission.reader);
      } finally {
        admission.release();
      }
    },
  });
}

function describeStatus(options: StatusRouteOptions, reader: Reader): StreamStatus {
  const { streams, heartbeatMs, transports, view, oldest, newest } = options;
  const ofCaller = reader.principalId === null ? [] : [...streams.ofPrincipal(reader.principalId)];
  const own = ofCaller.filter(({ host }) => host === undefined);
  const all = isAdministrator(view(), reader) ? [...streams.connections()] : undefined;
  return {
    delivery: options.fresh() ? 'live' : 'held',
    connections: { own: own.length, ...(all && { total: all.length }) },
    subscriptions: { own: countTopics(own), ...(all && { total: countTopics(all) }) },
    heartbeatMs,
    retention: { oldestId: formatEventId(oldest()), newestId: formatEventId(newest()) },
    transports: [...transports],
  };
}

function countTopics(streams: readonly Stream[]): number {
  const parts = streams.flatMap((stream) => [...(stream.lanes ?? [stream])]);
  return parts.reduce((sum, { topics }) => sum + topics.length, 0);
}
