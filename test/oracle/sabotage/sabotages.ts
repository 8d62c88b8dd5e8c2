import type { FindingKind } from '../finding.ts';
import { FEED_SABOTAGES } from './feed-sabotages.ts';
import { GRAPHQL_SABOTAGES } from './graphql-sabotages.ts';

/** One function of a process replaced by one that does its work wrongly. */
export interface Sabotage {
  /** What it is a process of; absent: a gateway. */
  readonly service?: 'fanout-gateway' | 'records';
  /** A package, or the end of a file's path. */
  readonly module: string;
  /** What is exported in place of what it has: JavaScript, in which `real` is the module as it is. */
  readonly source: string;
  /** What the oracle may call it. */
  readonly found: readonly FindingKind[];
  /** How often time is to pass, where only that shows it. */
  readonly turnChance?: number;
  /** The transport that most follow by, where others do not show it. */
  readonly favoured?: string;
  /** Of the process, where those of the oracle would hide it. */
  readonly settings?: Readonly<Record<string, string>>;
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
  'never says that time has passed': {
    module: `${GATEWAY}/fanout/fan-out.ts`,
    source: `
      export class FanOut extends real.FanOut {
        resync(connection, reason) {
          if (reason !== 'time') super.resync(connection, reason);
        }
      }`,
    found: ['loss', 'wrong-view'],
    turnChance: 1,
  },
  'forgets what could be seen before time passed': {
    module: '@tidewire/condition',
    source: `
      export const evaluateDuring = (condition, row, from, to) => real.evaluate(condition, row, { now: to });`,
    found: ['loss', 'wrong-message', 'wrong-view'],
    turnChance: 0.5,
    // Whoever is told to fetch again every second misses next to nothing.
    settings: { TIDEWIRE_TIME_RULE_RESYNC_MS: '6000' },
  },
  'gives a subscription the frames of another': {
    module: `${GATEWAY}/fanout/view-class.ts`,
    source: "export const keyOf = (parts) => real.keyOf({ ...parts, subscription: '' });",
    found: ['leak', 'loss', 'wrong-message', 'wrong-order'],
  },
  'shares frames of sockets over property rights': {
    module: `${GATEWAY}/fanout/shape.ts`,
    source: `
      export class EventShapes extends real.EventShapes {
        shared = new Map();
        encode(viewClass, judgement) {
          const bytes = super.encode(viewClass, judgement);
          if (!viewClass.wire.startsWith('socket')) return bytes;
          const { frameKey, table, sort } = viewClass;
          const key = JSON.stringify([frameKey, table, sort?.text, judgement.transition]);
          if (!this.shared.has(key)) this.shared.set(key, bytes);
          return this.shared.get(key);
        }
      }`,
    found: ['leak', 'wrong-message'],
  },
  'names hidden values as places in an order': {
    module: `${GATEWAY}/fanout/project.ts`,
    source: `
      export class MemberTexts extends real.MemberTexts {
        sortKey(terms) { return super.sortKey(terms, -1); }
      }`,
    found: ['leak'],
  },
  'keeps sockets whose credential was revoked': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper {
        end(stream, code) {
          const isSocket = stream.lanes !== undefined || stream.host !== undefined;
          if (code !== 'CREDENTIAL_ENDED' || !isSocket) super.end(stream, code);
        }
      }`,
    found: ['still-open', 'leak', 'loss'],
  },
  'judges subscriptions of sockets by the rights that they were made with': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper {
        changed(stream) {
          if (stream.host === undefined) super.changed(stream);
        }
      }`,
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
  'goes on by the limits of the credential before': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper {
        renew(stream, admission) { super.renew(stream, admission, () => true); }
      }`,
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
  'shows people of other organisations on a page': {
    module: `${GATEWAY}/presence/page-access.ts`,
    source: `
      import { createHash } from 'node:crypto';
      export const belongsTo = () => true;
      export const requirePage = (view, reader, path) => {
        const { page, principal } = real.requirePage(view, reader, path);
        const key = createHash('sha256').update(page.path).digest('base64url');
        return { page: { ...page, key }, principal };
      };`,
    found: ['leak'],
  },
  'forgets that people leave pages': {
    module: `${GATEWAY}/presence/presence.ts`,
    source: 'export class Presence extends real.Presence { leave() {} }',
    found: ['leak', 'wrong-view'],
  },
  'shows the whole record in a conflict': {
    module: `${GATEWAY}/conflicts/conflict.ts`,
    source: `
      export const findConflict = (question) => {
        const found = real.findConflict(question);
        if (found === undefined) return undefined;
        const all = Object.entries(question.newest.entry.message.after).filter(([name]) => !name.startsWith('_'));
        return { ...found, authoritativeRecord: { id: found.recordId, fields: Object.fromEntries(all) } };
      };`,
    found: ['leak'],
  },
  'tells of conflicts with what was read': {
    module: `${GATEWAY}/conflicts/conflict.ts`,
    source: `
      export const findConflict = (question) => {
        const found = real.findConflict(question);
        const { before } = question.newest.entry.message;
        if (found === undefined || before === null) return found;
        const { fields } = found.authoritativeRecord;
        const older = Object.entries(before).filter(([name]) => Object.hasOwn(fields, name));
        return { ...found, authoritativeRecord: { id: found.recordId, fields: Object.fromEntries(older) } };
      };`,
    found: ['leak', 'wrong-message'],
  },
  'tells nobody of conflicts': {
    module: `${GATEWAY}/conflicts/conflict.ts`,
    source: 'export const findConflict = () => undefined;',
    found: ['loss'],
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
  ...FEED_SABOTAGES,
  ...GRAPHQL_SABOTAGES,
} as const satisfies Record<string, Sabotage>;

export type SabotageName = keyof typeof SABOTAGES;

/** What the gateway prints when the replacement was loaded. */
export const SABOTAGED = 'sabotaged';
