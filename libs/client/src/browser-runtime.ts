import type { Clock, PageLife, Runtime, SocketConstructor } from './runtime.ts';

const SYSTEM_CLOCK: Clock = Object.freeze({
  now: () => Date.now(),
  setTimeout: (run: () => void, delayMs: number) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
});

/** How often it is looked whether time has passed unnoticed, and how much counts. Milliseconds. */
const LOOK_MS = 5000;
const ASLEEP_MS = 20_000;

/** The page that this runs in; where there is none, as in Node, one that is always visible and online. */
function createPageLife(): PageLife {
  const { document, navigator } = globalThis as { document?: Document; navigator?: Navigator };
  const page = typeof globalThis.addEventListener === 'function' && document !== undefined;
  return {
    get online() {
      return navigator?.onLine !== false;
    },
    get visible() {
      return document?.visibilityState !== 'hidden';
    },
    watch(listener) {
      const stopLooking = watchForSleep(() => listener('woke'));
      if (!page) return stopLooking;
      const abort = new AbortController();
      const on = (target: EventTarget, type: string, run: (event: Event) => void): void =>
        target.addEventListener(type, run, { signal: abort.signal });
      on(globalThis, 'online', () => listener('online'));
      on(globalThis, 'offline', () => listener('offline'));
      on(document, 'visibilitychange', () =>
        listener(document.visibilityState === 'hidden' ? 'hidden' : 'visible'),
      );
      on(document, 'freeze', () => listener('frozen'));
      on(document, 'resume', () => listener('woke'));
      // Into the back/forward cache, and out of it.
      on(globalThis, 'pagehide', (event) => {
        if ((event as PageTransitionEvent).persisted) listener('frozen');
      });
      on(globalThis, 'pageshow', (event) => {
        if ((event as PageTransitionEvent).persisted) listener('woke');
      });
      return () => {
        stopLooking();
        abort.abort();
      };
    },
  };
}

/** A timer that comes much too late was asleep with everything else. */
function watchForSleep(woke: () => void): () => void {
  let looked = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    const asleep = now - looked > ASLEEP_MS;
    looked = now;
    if (asleep) woke();
  }, LOOK_MS);
  // In Node nothing should be kept alive by it.
  (timer as { unref?: () => void }).unref?.();
  return () => clearInterval(timer);
}

/** What the platform has, with what is given in its place. */
export function createRuntime(given: Partial<Runtime> = {}): Runtime {
  return {
    clock: SYSTEM_CLOCK,
    random: Math.random,
    fetch: globalThis.fetch,
    WebSocket: (globalThis as { WebSocket?: SocketConstructor }).WebSocket,
    page: createPageLife(),
    ...given,
  };
}
