import type { Wire } from '../delivery/connection.ts';
import { GRAPHQL_SSE_FRAMES } from './graphql-sse.ts';
import { POLL_LINES } from './poll-line.ts';
import { SEVERAL_SSE_FRAMES, SSE_FRAMES, TABLE_SSE_FRAMES } from './sse.ts';
import { DEFLATED_SOCKET_FRAMES, SOCKET_FRAMES } from './web-socket.ts';
import type { WireFormat } from './wire-format.ts';

/** Every wire. A new transport is one row. */
export const WIRES: Readonly<Record<Wire, WireFormat>> = Object.freeze({
  'sse': SSE_FRAMES,
  'table-sse': TABLE_SSE_FRAMES,
  'several-sse': SEVERAL_SSE_FRAMES,
  'poll': POLL_LINES,
  'socket': SOCKET_FRAMES,
  'socket-deflate': DEFLATED_SOCKET_FRAMES,
  'graphql-sse': GRAPHQL_SSE_FRAMES,
  // Whoever has several operations on a connection puts each one's own id around its lines.
  'graphql-lines': POLL_LINES,
});
