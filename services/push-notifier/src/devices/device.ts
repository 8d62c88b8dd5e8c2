import { formatTimestamp } from '@tidewire/contract';
import type { DeviceKind, DeviceView, PushSubscription, QuietHours } from '@tidewire/contract';

/** Somebody's browser or app, and how it is reached. */
export interface Device {
  readonly id: string;
  readonly principal: string;
  /** Id of the token that registered it, with which it goes; null: another kind of credential did. */
  readonly credential: string | null;
  readonly kind: DeviceKind;
  readonly name: string | null;
  readonly endpoint: string;
  readonly host: string;
  readonly keys: PushSubscription['keys'];
  readonly topics: readonly string[];
  readonly quietHours: QuietHours | null;
  readonly maxPerHour: number;
  readonly createdAtMs: number;
  readonly lastDeliveredAtMs: number | null;
  readonly failures: number;
  readonly version: number;
}

/** What its owner sees of it. */
export function toDeviceView(device: Device): DeviceView {
  const { id, kind, name, host, topics, quietHours, maxPerHour, failures } = device;
  const { createdAtMs, lastDeliveredAtMs } = device;
  return {
    id,
    kind,
    name,
    host,
    topics: [...topics],
    quietHours,
    maxPerHour,
    createdAt: formatTimestamp(createdAtMs),
    lastDeliveredAt: lastDeliveredAtMs === null ? null : formatTimestamp(lastDeliveredAtMs),
    failures,
  };
}
