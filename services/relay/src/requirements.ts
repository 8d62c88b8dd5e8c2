import { OBJECT_LIMITS } from '@tidewire/contract';

/** Atomic batches came with this version. */
export const LOWEST_SERVER_VERSION = '2.12.0';

/** Two images of the largest object, and what stands around them. */
export const LOWEST_MAX_PAYLOAD = 2 * OBJECT_LIMITS.maxBytes + 64 * 1024;

/**
 * Refuses a NATS server that the log cannot live on.
 *
 * @throws Error that names what was found and what is needed.
 */
export function requireServer(server: { readonly version: string; readonly maxPayload: number }): void {
  if (!isAtLeast(server.version, LOWEST_SERVER_VERSION)) {
    throw new Error(
      `nats-server ${server.version} cannot store batches atomically; ${LOWEST_SERVER_VERSION} or newer is needed`,
    );
  }
  if (server.maxPayload < LOWEST_MAX_PAYLOAD) {
    throw new Error(
      `max_payload of the NATS server is ${server.maxPayload} bytes; at least ${LOWEST_MAX_PAYLOAD} are needed ` +
        '(2097152 is recommended), because an event holds an object before and after',
    );
  }
}

function isAtLeast(version: string, lowest: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (parts === null) return false;
  const wanted = lowest.split('.').map(Number);
  for (const [index, number] of wanted.entries()) {
    const given = Number(parts[index + 1]);
    if (given !== number) return given > number;
  }
  return true;
}
