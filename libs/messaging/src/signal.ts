import type { BusLink } from './bus-link.ts';

/** Publishes without waiting; dropped when not connected, because the client would keep it for later. */
export function signalOn(link: BusLink, subject: string, payload: unknown): void {
  if (!link.connected || link.connection.isDraining()) return;
  link.connection.publish(subject, payload === undefined ? undefined : JSON.stringify(payload));
}

/** Subscribes to a signal. What cannot be parsed is dropped; a handler that throws is logged and stays subscribed. */
export function subscribeSignal(
  link: BusLink,
  subject: string,
  handler: (payload: unknown) => void,
): () => void {
  const subscription = link.connection.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) {
        link.logger.error('subscription refused', { subject, error });
        return;
      }
      try {
        handler(message.data.length === 0 ? undefined : message.json());
      } catch (failure) {
        link.logger.warn('signal dropped', { subject, error: failure });
      }
    },
  });
  return () => subscription.unsubscribe();
}
