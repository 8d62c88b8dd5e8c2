import { createTestClock } from '@tidewire/test-kit';
import type { TestClock } from '@tidewire/test-kit';
import type { Clock, Runtime } from '../src/runtime.ts';

/** Node's own fetch and WebSocket, on a page that is always looked at, in a time that stands still until it is moved. */
export interface TestRuntime {
  readonly runtime: Runtime;
  readonly clock: TestClock;
}

/** The clock of the machine: for what a real server does in its own time. */
export const MACHINE_CLOCK: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** `changes`: what of it is to be otherwise. */
export function createTestRuntime(changes: Partial<Runtime> = {}): TestRuntime {
  const clock = createTestClock();
  const runtime: Runtime = {
    clock: {
      now: () => clock.now(),
      setTimeout: (run, delayMs) => {
        const timer = clock.setTimeout(run, delayMs);
        return () => timer.cancel();
      },
    },
    random: () => 0.5,
    fetch: globalThis.fetch,
    WebSocket: globalThis.WebSocket,
    page: { online: true, visible: true, watch: () => () => undefined },
    ...changes,
  };
  return { runtime, clock };
}
