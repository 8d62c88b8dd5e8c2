/** How a platform is set up for the oracle: everything that would be rare happens often. */
export const ORACLE_SETTINGS: Readonly<Record<string, string>> = {
  TIDEWIRE_ANONYMOUS_STREAMS: 'true',
  TIDEWIRE_MAX_CONNECTIONS_PER_USER: '1000',
  // A quiet point waits for the next position of every stream.
  TIDEWIRE_SSE_HEARTBEAT_MS: '100',
  // So small that a client that was away has its past read from the stored log.
  TIDEWIRE_REPLAY_RING_EVENTS: '60',
  TIDEWIRE_REPLAYS_PER_USER: '10',
  TIDEWIRE_TIME_RULE_RESYNC_MS: '1000',
  // Who is let in no more tries again until it has another token.
  TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS: '100000',
};
