import type { Pool } from '@tidewire/service-kit';
import { loadVapidKeys } from './vapid-keys-postgres.ts';
import type { VapidKeys } from './vapid-keys-postgres.ts';

/** The key pair once it is loaded, which may be later than the start: the database may be away then. */
export class VapidKeyring {
  readonly #pool: Pool;
  #keys: VapidKeys | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @throws what the database says. */
  async get(): Promise<VapidKeys> {
    this.#keys ??= await loadVapidKeys(this.#pool);
    return this.#keys;
  }
}
