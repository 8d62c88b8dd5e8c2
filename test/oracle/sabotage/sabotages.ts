import type { FindingKind } from '../finding.ts';

/** One function of the gateway replaced by one that does its work wrongly. */
export interface Sabotage {
  /** A package, or the end of a file's path. */
  readonly module: string;
  /** What is exported in place of what it has: JavaScript, in which `real` is the module as it is. */
  readonly source: string;
  /** What the oracle may call it. */
  readonly found: readonly FindingKind[];
}

const POLICY = '@tidewire/policy';
const GATEWAY = '/services/fanout-gateway/src';

/** By what the gateway then does. */
export const SABOTAGES = {
  'shows rows that no rule allows': {
    module: POLICY,
    source: `
      import { evaluate } from '@tidewire/condition';
      export const passesRules = (decision, row) => evaluate(decision.boundary, row);`,
    found: ['leak'],
  },
  'shows properties that may not be read': {
    module: POLICY,
    source: 'export const visibleFields = ({ reads }) => real.maskOf(reads, reads.names);',
    found: ['leak'],
  },
  'tells old values that could not be read then': {
    module: POLICY,
    source: 'export const intersectMasks = (before, after) => after;',
    found: ['leak'],
  },
  'lets a filter see what its reader may not': {
    module: POLICY,
    source: `
      import { evaluate } from '@tidewire/condition';
      export const meetsFilter = (decision, filter, row, judged) =>
        real.meetsFilter(decision, filter, row, judged) || evaluate(filter, row, { now: judged.nowMs });`,
    found: ['leak'],
  },
  'tells everybody of every delete': {
    module: `${GATEWAY}/fanout/transition.ts`,
    source: `
      export const decideTransition = (action, before, after) =>
        action === 'deleted' ? 'deleted' : real.decideTransition(action, before, after);`,
    found: ['leak'],
  },
  'tells of rows that were never in view that they left': {
    module: `${GATEWAY}/fanout/transition.ts`,
    source: `
      export const decideTransition = (action, before, after) =>
        real.decideTransition(action, before, after) ?? (action === 'updated' ? 'left' : undefined);`,
    found: ['leak'],
  },
  'replays images of rows that are hidden by now': {
    module: `${GATEWAY}/fanout/replayed.ts`,
    source: `
      export const encodePast = (object, reader) =>
        object.events.flatMap((event) => real.encodePast({ events: [event] }, reader));`,
    found: ['leak'],
  },
  'replays over a change of rights': {
    module: `${GATEWAY}/replay/rights-window.ts`,
    source: 'export const rightsChanged = () => false;',
    found: ['wrong-view', 'leak'],
  },
  'judges by the rights that a stream was opened with': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper { changed() {} }`,
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
  'keeps streams whose credential was revoked': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper { credentialEnded() {} }`,
    found: ['still-open', 'leak', 'loss'],
  },
  'names the actor to other organisations': {
    module: `${GATEWAY}/rights/access.ts`,
    source: "export const actorOrganisations = () => 'all';",
    found: ['leak'],
  },
  'loses an event now and then': {
    module: `${GATEWAY}/fanout/fan-out.ts`,
    source: `
      export class FanOut extends real.FanOut {
        count = 0;
        publish(entry) {
          this.count += 1;
          if (this.count % 40 === 0) this.advance({ epoch: entry.epoch, sequence: entry.sequence });
          else super.publish(entry);
        }
      }`,
    found: ['loss', 'wrong-view'],
  },
} as const satisfies Record<string, Sabotage>;

export type SabotageName = keyof typeof SABOTAGES;

/** What the gateway prints when the replacement was loaded. */
export const SABOTAGED = 'sabotaged';
