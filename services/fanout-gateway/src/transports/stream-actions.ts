import { EVENT_NAMES, TidewireError } from '@tidewire/contract';
import type { ObjectAction } from '@tidewire/contract';

const ACTION_BY_EVENT: ReadonlyMap<string, ObjectAction> = new Map(
  Object.entries(EVENT_NAMES).map(([action, name]) => [name, action as ObjectAction]),
);

/** The actions that events are called by on the wire. @throws TidewireError BAD_REQUEST for another name. */
export function readActions(names: readonly string[]): readonly ObjectAction[] {
  const actions = new Set<ObjectAction>();
  for (const name of names) {
    const action = ACTION_BY_EVENT.get(name);
    if (action === undefined) {
      const known = [...ACTION_BY_EVENT.keys()].join(', ');
      const message = `'${name.slice(0, 100)}' is not an event; known are ${known}`;
      throw new TidewireError('BAD_REQUEST', message, { errors: [{ field: 'events', message }] });
    }
    actions.add(action);
  }
  return [...actions];
}
