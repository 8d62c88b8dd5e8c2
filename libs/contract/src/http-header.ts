// Nothing is imported here: who needs only these has no validation in its bundle.

/** Headers that clients read and send. Each by itself, so that a bundle has those that are used. */
export const CONNECTION_HEADER = 'tidewire-connection';
export const POSITION_HEADER = 'x-event-position';

/** HTTP header names, lower case as Node reports them. */
export const HTTP_HEADERS = /* @__PURE__ */ Object.freeze({
  connection: CONNECTION_HEADER,
  protocol: 'tidewire-protocol',
  position: POSITION_HEADER,
  version: 'x-object-version',
  correlationId: 'x-correlation-id',
  traceparent: 'traceparent',
  lastEventId: 'last-event-id',
});

export const PROTOCOL_VERSION = '1';
