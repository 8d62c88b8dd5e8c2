import { CheckFault } from './checkup.ts';
import type { Found } from './checkup.ts';
import type { SocketProbe } from './socket-probe.ts';

/** Nobody reads it; it has to come back. */
const PAYLOAD = Buffer.from('tidewire doctor');

/** The first ping comes half a second after the socket was let in. */
export async function awaitPing(probe: SocketProbe, signal: AbortSignal): Promise<Found> {
  const ping = await probe.until(() => probe.pings[0], signal);
  return { text: `${ping.length} bytes`, value: undefined };
}

/**
 * Pings, and waits for the pong. Frames keep their order: the server has read our answer to its own ping when it reads this, and
 * an answer that it does not like ends the socket.
 */
export async function exchangePings(probe: SocketProbe, signal: AbortSignal): Promise<Found> {
  probe.ping(PAYLOAD);
  const pong = await probe.until(() => probe.pongs[0], signal);
  if (pong.equals(PAYLOAD)) return { text: 'the socket goes on', value: undefined };
  throw new CheckFault('the pong says something else than the ping', CONTROL_FRAMES);
}

const CONTROL_FRAMES = 'Let the proxy pass all frames of WebSockets on as they are, control frames included.';

/** No ping arrived in time. */
export const NO_PING = new CheckFault('no ping of the server arrives: a proxy keeps them', CONTROL_FRAMES);
/** No pong arrived in time. */
export const NO_PONG = new CheckFault(
  'our ping is not answered: a proxy keeps it, or the pong',
  CONTROL_FRAMES,
);
