import type { Transport } from '../transport.ts';
import { longPoll } from './long-poll.ts';
import { sse } from './sse.ts';
import { tablePoll } from './table-poll.ts';

/** All ways to follow topics; a subscriber has one of them, most often the first. */
export const TRANSPORTS: readonly Transport[] = [sse, sse, sse, sse, sse, longPoll, tablePoll];
