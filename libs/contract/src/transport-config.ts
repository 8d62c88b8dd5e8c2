// Nothing is imported here: who needs only these has no validation in its bundle.

/** Times and bounds that client and server share. Milliseconds. */
export const REALTIME_TRANSPORT_CONFIG = Object.freeze({
  reconnectBackoffMs: Object.freeze([1000, 2000, 4000, 8000] as const),
  maxReconnectDelayMs: 30_000,
  heartbeatIntervalMs: 30_000,
  sseHeartbeatIntervalMs: 15_000,
  maxConnectionsPerUser: 10,
  idleConnectionTimeoutMs: 300_000,
  presenceStaleTimeoutMs: 60_000,
  maxPresenceEntriesPerPage: 50,
});
