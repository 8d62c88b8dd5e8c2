import { TidewireError } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { admitPrincipal } from '@tidewire/rights';
import type { Admission, AdmissionOptions, Reader } from '@tidewire/rights';
import { mapBounded } from '@tidewire/service-kit';
import type { LogFollower } from '../log/rights-log.ts';
import { ReaderClasses } from '../readers/reader-classes.ts';
import type { FollowerSet } from './follower-repository-postgres.ts';
import type { Sight } from './sight-repository-postgres.ts';
import { sightsOf } from './sights.ts';

/** Questions to authz at once. */
const QUESTIONS_AT_ONCE = 16;

/** Everybody who is told of changes, as whom they are judged: their principals with all their rights. */
export class Followers {
  readonly #options: AdmissionOptions;
  readonly #classes: ReaderClasses<Reader>;
  readonly #admissions = new Map<string, Admission>();
  #version: string | undefined;
  #ofView: RightsView | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#classes = new ReaderClasses(options.view);
  }

  /** What keeps them up to date with the log. */
  readonly log: LogFollower = {
    onEntry: (_entry, change) => this.#classes.rightsChanged(change),
    onLoaded: () => this.#classes.reset(),
  };

  get classes(): ReaderClasses<Reader> {
    return this.#classes;
  }

  get size(): number {
    return this.#admissions.size;
  }

  /** Whether these are the followers of that version, and known under the rights of now. */
  isCurrent(version: string): boolean {
    return this.#version === version && this.#ofView === this.#options.view();
  }

  has(principal: string): boolean {
    return this.#admissions.has(principal);
  }

  principals(): Iterable<string> {
    return this.#admissions.keys();
  }

  /**
   * Takes the set over, and returns those whom authz does not know any more. A follower that is new is asked about.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE while authz cannot be asked: the set is not current then.
   */
  async load({ version, principals }: FollowerSet): Promise<readonly string[]> {
    const view = this.#options.view();
    if (this.#ofView !== view) this.#dropAll();
    this.#ofView = view;
    const wanted = new Set(principals);
    for (const known of this.#admissions.keys()) if (!wanted.has(known)) this.#drop(known);
    const gone: string[] = [];
    const missing = principals.filter((id) => !this.#admissions.has(id));
    await mapBounded(missing, QUESTIONS_AT_ONCE, async (id) => {
      if (!(await this.#admit(id))) gone.push(id);
    });
    if (this.#ofView === this.#options.view()) this.#version = version;
    return gone;
  }

  /** What these followers see of these schemas. */
  sightsOf(principals: Iterable<string>, schemas: readonly string[]): readonly Sight[] {
    const view = this.#options.view();
    return [...principals].flatMap((id) => {
      const principal = this.#admissions.has(id) ? view.principal(id) : undefined;
      return principal === undefined ? [] : sightsOf(view, principal, schemas);
    });
  }

  stop(): void {
    this.#dropAll();
  }

  async #admit(id: string): Promise<boolean> {
    try {
      const admission = await admitPrincipal(this.#options, { principal: id, credential: null });
      this.#admissions.set(id, admission);
      this.#classes.add(admission.reader);
      return true;
    } catch (error) {
      if (error instanceof TidewireError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  #drop(id: string): void {
    const admission = this.#admissions.get(id);
    if (admission === undefined) return;
    this.#admissions.delete(id);
    this.#classes.remove(admission.reader);
    admission.release();
  }

  #dropAll(): void {
    this.#version = undefined;
    for (const id of this.#admissions.keys()) this.#drop(id);
  }
}
