import { mayReadRow } from './evaluator.ts';
import { messageOf, rowInView } from './expectation.ts';
import type { Image, Schema } from './rights.ts';
import type { Subscriber } from './subscriber.ts';
import type { World } from './world.ts';

/** Counts the steps after which somebody sees a row that it did not see before, or sees one no more. */
export class Crossings {
  readonly #world: World;
  #countedUpTo = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether a change of a row would be one, as rights are now. */
  isOne(subscribers: readonly Subscriber[], schema: Schema, before: Image, after: Image): boolean {
    const { rights } = this.#world.model;
    return subscribers.some(({ viewer }) => {
      const was = rowInView(viewer, rights, schema, before) !== undefined;
      return was !== (rowInView(viewer, rights, schema, after) !== undefined);
    });
  }

  /** Those behind the last place that was counted up to; of changes of rights at most as many as there were steps. */
  countUpTo(position: number, subscribers: readonly Subscriber[], rightsSteps: number): number {
    const { history, model } = this.#world;
    const requests = new Set<number>();
    for (const change of history.between(this.#countedUpTo, position)) {
      const request = model.requestOf(change.sequence);
      if (requests.has(request)) continue;
      const rights = history.rightsAt(change.sequence);
      const crosses = subscribers.some(({ viewer }) => {
        const transition = messageOf(viewer, rights, change)?.data['transition'];
        return transition === 'entered' || transition === 'left';
      });
      if (crosses) requests.add(request);
    }
    const ofRights = Math.min(this.#countRights(subscribers), rightsSteps);
    this.#countedUpTo = position;
    return requests.size + ofRights;
  }

  /** Changes of rights that showed somebody a row or took it away; a step may be several entries of the log. */
  #countRights(subscribers: readonly Subscriber[]): number {
    const { history, model } = this.#world;
    const rows = [...model.images.values()];
    const askers = new Map(subscribers.map(({ viewer: { asker } }) => [asker.principal, asker]));
    return history.rightsSince(this.#countedUpTo).filter(({ before, after }) =>
      askers.values().some((asker) =>
        rows.some(({ schema, image }) => {
          const question = { asker, schema, now: Date.now() };
          const was = mayReadRow({ ...question, rights: before }, image);
          return was !== mayReadRow({ ...question, rights: after }, image);
        }),
      ),
    ).length;
  }
}
