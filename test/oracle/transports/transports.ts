import type { Transport } from '../transport.ts';
import { sse } from './sse.ts';

/** All ways to follow topics; a subscriber has one of them. */
export const TRANSPORTS: readonly Transport[] = [sse];
