import { createGroup } from './clients.ts';
import type { Finding } from './finding.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** As many as there are, and where they are what is looked at. */
const COUNTS = { few: 2, many: 10 } as const;

/** Those of a world whose workers share feeds: who is gone, or let in no more, makes room for others. */
export class Groups {
  readonly #world: World;
  readonly #onFinding: (finding: Finding) => void;
  readonly #count: number;
  #born = 0;
  /** Of those that are gone. */
  #repeats = 0;

  constructor(world: World, count: keyof typeof COUNTS, onFinding: (finding: Finding) => void) {
    this.#count = COUNTS[count];
    this.#world = world;
    this.#onFinding = onFinding;
  }

  /** How many events workers were given that had been given out before. */
  get repeats(): number {
    return this.#world.groups.reduce((sum, { ledger }) => sum + ledger.repeats, this.#repeats);
  }

  fill(random: Random): void {
    const { groups, suffix } = this.#world;
    while (groups.length < this.#count) {
      this.#born += 1;
      const name = `group-${this.#born}-${suffix}`;
      const group = createGroup(this.#world, random, { name, onFinding: this.#onFinding });
      if (group === undefined) return;
      groups.push(group);
    }
  }

  makeRoom(random: Random): void {
    const isIdle = ({ refusal, isOver, isLeft }: World['groups'][number]): boolean =>
      refusal !== undefined || isOver || isLeft;
    for (const group of this.#world.groups.filter(isIdle)) {
      group.stop();
      this.#repeats += group.ledger.repeats;
    }
    this.#world.groups = this.#world.groups.filter((group) => !isIdle(group));
    this.fill(random);
  }
}
