import type { Sabotage } from './sabotages.ts';

const GATEWAY = '/services/fanout-gateway/src';
const FEEDS = `${GATEWAY}/feeds`;

/** Gateways that do wrong only where they are asked over NATS; by what they then do. */
export const FEED_SABOTAGES = {
  'answers into the inboxes of others': {
    module: '@tidewire/contract',
    // It is `messaging` that asks, of the same module.
    source: 'export const isInboxOf = (address, reply) => /^_INBOX[.]/.test(reply);',
    found: ['leak'],
  },
  'lets limited tokens follow what their principal may': {
    module: `${GATEWAY}/rights/admit-principal.ts`,
    source: `
      export const admitPrincipal = (options, { principal }) =>
        real.admitPrincipal(options, { principal, credential: null });`,
    found: ['leak', 'wrong-message', 'wrong-view'],
  },
  'sends what waits for an answer when a right is lost': {
    module: `${FEEDS}/feed-sink.ts`,
    source: `
      export class FeedSink extends real.FeedSink {
        queuedBytes() { return 0; }
      }`,
    favoured: 'nats',
    found: ['leak', 'wrong-message'],
  },
  'tells nobody over NATS to fetch again': {
    module: `${FEEDS}/feed-sink.ts`,
    source: `
      const RESYNC = '!'.codePointAt(0);
      export class FeedSink extends real.FeedSink {
        write(bytes) { if (bytes[0] !== RESYNC) super.write(bytes); }
        resync() {}
      }`,
    favoured: 'nats',
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
  'begins feeds anew where they have a cursor': {
    module: `${FEEDS}/feed-request.ts`,
    source: `
      export const parseFeedRequest = (text) => {
        const { cursor, ...request } = real.parseFeedRequest(text);
        return request;
      };`,
    favoured: 'nats',
    found: ['loss', 'wrong-order', 'wrong-view', 'wrong-message', 'leak'],
  },
  'gives out what waited for a worker when a right was lost': {
    module: `${FEEDS}/group-ledger.ts`,
    // The word to fetch again would drop what waits as well.
    source: `
      export class GroupLedger extends real.GroupLedger {
        distrust() {}
        restarted() { if (this.incomplete) super.restarted(); }
        get judgedAt() { return undefined; }
        take(item) { super.take({ ...item, kind: 'event' }); }
      }`,
    favoured: 'groups',
    found: ['leak', 'wrong-message', 'wrong-order'],
  },
  'forgets what workers give back': {
    module: `${FEEDS}/group-ledger.ts`,
    source: 'export class GroupLedger extends real.GroupLedger { giveBack(item) { this.settle(item); } }',
    favoured: 'groups',
    found: ['loss', 'wrong-view'],
  },
  'moves the place of a group past what is in hands': {
    module: `${FEEDS}/group-ledger.ts`,
    source: `
      export class GroupLedger extends real.GroupLedger {
        get cursor() { return this.start ?? super.cursor; }
      }`,
    favoured: 'groups',
    found: ['loss'],
  },
  'gives out events of one object at once': {
    module: `${FEEDS}/group-ledger.ts`,
    source: `
      export class GroupLedger extends real.GroupLedger {
        take(item) { super.take({ ...item, object: undefined }); }
      }`,
    favoured: 'groups',
    found: ['wrong-order'],
  },
  'counts what others answer for workers of a group': {
    module: `${FEEDS}/feed-groups.ts`,
    source: `
      export class FeedGroups extends real.FeedGroups {
        known = new Map();
        answered(address, token, text) {
          this.known.set(JSON.stringify(address), address);
          for (const one of this.known.values()) super.answered(one, token, text);
        }
      }`,
    favoured: 'groups',
    found: ['loss', 'wrong-order'],
  },
  'tells no worker of a group to fetch again': {
    module: `${FEEDS}/group-sink.ts`,
    source: `
      const RESYNC = '!'.codePointAt(0);
      export class GroupSink extends real.GroupSink {
        write(bytes) { if (bytes[0] !== RESYNC) super.write(bytes); }
        resync() {}
      }`,
    favoured: 'groups',
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
} as const satisfies Record<string, Sabotage>;
