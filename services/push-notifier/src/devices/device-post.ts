import type { DeviceMessage } from '@tidewire/contract';
import type { TargetClient } from '../targets/target-client.ts';
import { TargetError } from '../targets/target-error.ts';
import type { Device } from './device.ts';
import { encodeMessage } from './device-message.ts';
import type { MessageOptions } from './device-message.ts';
import { judgeAnswer, judgeFailure } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Sends one message to a device. Rejects only with the reason of its signal, or a fault of ours. */
export type PostToDevice = (
  device: Pick<Device, 'endpoint' | 'keys'>,
  message: DeviceMessage,
  signal?: AbortSignal,
) => Promise<Outcome>;

export interface DevicePostOptions extends MessageOptions {
  readonly client: TargetClient;
  /** How long a push service may take; 10 s when absent. */
  readonly timeoutMs?: number;
}

/** Push services answer within a second. */
const TIMEOUT_MS = 10_000;

/** How messages are sent, with all that is the same for each of them. */
export function createDevicePost({
  client,
  timeoutMs = TIMEOUT_MS,
  ...options
}: DevicePostOptions): PostToDevice {
  return async (device, message, signal) => {
    const { headers, body } = encodeMessage(device, message, options);
    try {
      const request = { headers, body, timeoutMs, ...(signal !== undefined && { signal }) };
      return judgeAnswer(await client.post(device.endpoint, request));
    } catch (error) {
      if (error instanceof TargetError) return judgeFailure(error);
      throw error;
    }
  };
}
