import type { Clock, Logger } from '@tidewire/service-kit';
import type { FanOutPort } from '../fanout/subscription.ts';
import type { ConnectionSlots } from '../limits/connection-slots.ts';
import type { ReplayGate } from '../limits/replay-gate.ts';
import type { ReplayOptions } from '../replay/replay-reader.ts';
import type { ReplayOutcome } from '../replay/replay.ts';
import type { StreamKeeper } from './stream-keeper.ts';
import type { StreamOpener } from './stream-opener.ts';

/** What every transport stands on. */
export interface TransportOptions {
  readonly opener: StreamOpener;
  readonly fanOut: FanOutPort;
  readonly keeper: StreamKeeper;
  readonly slots: ConnectionSlots;
  readonly gate: ReplayGate;
  readonly replay: ReplayOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onReplay: (outcome: ReplayOutcome, durationMs: number) => void;
}
