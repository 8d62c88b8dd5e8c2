import type { ErrorCode } from '@tidewire/contract';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import { findPosition, readAuditPageFor, readNewest } from './audit-log-postgres.ts';
import type { AuditFilter, AuditPosition } from './audit-log-postgres.ts';
import type { AuditSink } from './audit-sink.ts';

export interface AuditStreamOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: AuditSink;
  readonly filter: AuditFilter;
  /** Of whoever reads. */
  readonly credential: string;
  readonly principal: string;
}

const PAGE = Object.freeze({ order: 'oldest', limit: 100, maxBytes: 1024 * 1024 } as const);
/** A client that takes nothing for so long is cut off. */
const STALL_MS = 30_000;

/**
 * One administrator reading the log as it grows. Entries leave only when the snapshot that they were read in says that
 * the reader may have them; what cannot be read at the moment is read later.
 */
export class AuditStream {
  readonly principal: string;
  readonly #options: AuditStreamOptions;
  #position: AuditPosition | undefined;
  #open = true;
  #running = false;
  #again = false;

  constructor(options: AuditStreamOptions) {
    this.#options = options;
    this.principal = options.principal;
  }

  /** Whether there may be entries after the last one that was looked at. */
  isBehind(newest: AuditPosition): boolean {
    return this.#position !== undefined && this.#position.number < newest.number;
  }

  /** Begins after `cursor`, or now; a cursor of no entry is answered with a resync and the stream begins now. */
  async begin(cursor: string | undefined, onClose: () => void): Promise<void> {
    const { pool, sink } = this.#options;
    const from = cursor === undefined ? undefined : await findPosition(pool, cursor);
    const start = from ?? (await readNewest(pool));
    sink.begin(() => {
      this.#open = false;
      onClose();
    });
    if (cursor !== undefined && from === undefined) sink.resync({ reason: 'malformed', current: start.id });
    else sink.cursor(start.id);
    this.#position = start;
    this.look();
  }

  /** Looks for entries; while it does already, once more afterwards. */
  look(): void {
    this.#again = true;
    if (this.#running || !this.#open) return;
    this.#running = true;
    void this.#lookUntilDone();
  }

  heartbeat(): void {
    if (this.#open) this.#options.sink.heartbeat();
  }

  end(code: ErrorCode, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.sink.end(code, reason);
  }

  async #lookUntilDone(): Promise<void> {
    try {
      while (this.#again && this.#open) {
        this.#again = false;
        await this.#deliver();
      }
    } catch (error) {
      // Nothing left, so nothing is missed: the next look begins at the same place.
      this.#options.logger.warn('audit log could not be read', { error });
    } finally {
      this.#running = false;
    }
  }

  async #deliver(): Promise<void> {
    const { pool, clock, filter, credential, sink } = this.#options;
    for (let more = true; more && this.#open;) {
      const request = { ...PAGE, filter, after: this.#position };
      const page = await readAuditPageFor(pool, credential, clock.now(), request);
      if (!this.#open) return;
      if (page.authority === 'ended')
        return this.end('CREDENTIAL_ENDED', 'The credential expired or was revoked.');
      if (page.authority === 'forbidden') return this.end('FORBIDDEN', 'Only an administrator may do this.');
      for (const entry of page.entries) sink.entry(entry);
      const last = page.entries.at(-1);
      more = page.more;
      const position = more && last !== undefined ? last : page.newest;
      // What was filtered out is not looked at again after a reconnect.
      if (position.id !== this.#position?.id && position.id !== last?.id) sink.cursor(position.id);
      this.#position = position;
      await this.#drained();
    }
  }

  async #drained(): Promise<void> {
    const { clock, sink } = this.#options;
    const timer = clock.setTimeout(() => sink.reset(), STALL_MS);
    await sink.drained();
    timer.cancel();
  }
}
