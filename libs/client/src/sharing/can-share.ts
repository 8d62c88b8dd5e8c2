interface SharingGlobals {
  readonly document?: unknown;
  /** `null`, as text, where the origin is opaque. */
  readonly origin?: string | undefined;
  readonly navigator?: { readonly locks?: { readonly request?: unknown } | undefined } | undefined;
  readonly BroadcastChannel?: (new (name: string) => { close(): void }) | undefined;
}

/** Whether this is a page that may have others beside it, and everything is here by which they can share. */
export function canShare(globals: SharingGlobals = globalThis): boolean {
  const { origin, document, navigator, BroadcastChannel } = globals;
  try {
    if (document === undefined || origin === 'null' || typeof navigator?.locks?.request !== 'function')
      return false;
    if (BroadcastChannel === undefined) return false;
    new BroadcastChannel('tidewire').close();
    return true;
  } catch {
    return false;
  }
}
