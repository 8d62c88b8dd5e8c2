import type { Sabotage } from './sabotages.ts';

const GATEWAY = '/services/fanout-gateway/src';
const RECORDS = '/services/records/src';
const RESULT = `${GATEWAY}/formats/graphql-result.ts`;

/** Processes that do wrong only where GraphQL is spoken; by what they then do. */
export const GRAPHQL_SABOTAGES = {
  'tells more than was selected': {
    module: RESULT,
    // Whatever anybody has selected of a schema.
    source: `
      const known = new Map();
      export const formatGraphqlResult = (change) => {
        const { selection, message } = change;
        const all = known.get(message.schema) ?? new Map();
        known.set(message.schema, all);
        for (const field of selection.fields) all.set(field.key, field);
        const fields = [...new Map([...all, ...selection.fields.map((one) => [one.key, one])]).values()];
        return real.formatGraphqlResult({ ...change, selection: { ...selection, fields } });
      };`,
    found: ['leak', 'wrong-message'],
  },
  'tells selected fields that may not be read': {
    module: RESULT,
    source: `
      export const formatGraphqlResult = ({ image, ...change }) => real.formatGraphqlResult({
        ...change,
        image: image && {
          ...image,
          property: (field) => {
            const value = image.property(field);
            if (value.kind !== 'forbidden') return value;
            return { kind: 'text', text: JSON.stringify(change.message.after?.[field.name] ?? null) };
          },
        },
      });`,
    found: ['leak', 'wrong-message'],
  },
  'says nothing where a selected field may not be read': {
    module: RESULT,
    source: `
      export const formatGraphqlResult = ({ image, ...change }) => real.formatGraphqlResult({
        ...change,
        image: image && {
          ...image,
          property: (field) => {
            const value = image.property(field);
            return value.kind === 'forbidden' ? { kind: 'text', text: 'null' } : value;
          },
        },
      });`,
    found: ['wrong-message'],
  },
  'tells selected fields of rows that left': {
    module: RESULT,
    source: `
      export const formatGraphqlResult = ({ image, ...change }) => {
        const { before, after } = change.message;
        const row = after ?? before ?? {};
        const left = {
          system: (name) => JSON.stringify(row[name] ?? null),
          property: ({ name }) => ({ kind: 'text', text: JSON.stringify(row[name] ?? null) }),
        };
        return real.formatGraphqlResult({ ...change, image: image ?? left });
      };`,
    found: ['leak'],
  },
  'names changed fields that may not be read': {
    module: RESULT,
    source: `
      export const formatGraphqlResult = (change) => {
        const { before, after } = change.message;
        const text = (row, name) => JSON.stringify(row?.[name] ?? null);
        const changed = Object.keys({ ...before, ...after }).filter(
          (name) => !name.startsWith('_') && text(before, name) !== text(after, name),
        );
        return real.formatGraphqlResult({ ...change, changed });
      };`,
    found: ['leak'],
  },
  'classes those alike who select something else': {
    module: `${GATEWAY}/fanout/view-class.ts`,
    source: `
      export const keyOf = ({ request, ...parts }) =>
        real.keyOf({ ...parts, request: { ...request, selection: undefined } });`,
    found: ['leak', 'wrong-message'],
  },
  'shares texts of an event over selections': {
    module: `${GATEWAY}/fanout/shape.ts`,
    source: `
      export class EventShapes extends real.EventShapes {
        encode(viewClass, judgement) {
          const { selection } = viewClass;
          if (selection === undefined) return super.encode(viewClass, judgement);
          return super.encode({ ...viewClass, selection: { ...selection, key: 'alike' } }, judgement);
        }
      }`,
    found: ['leak', 'wrong-message'],
  },
  'forgets what one of has to hold': {
    module: '/libs/graphql/src/filter.ts',
    source: `
      export const readFilter = (fields, { _or, ...filter }, depth) => real.readFilter(fields, filter, depth);`,
    found: ['leak', 'wrong-message', 'wrong-view'],
  },
  'tells GraphQL of events that were not asked for': {
    module: '/libs/graphql/src/subscription.ts',
    source: `
      export const readSubscription = (...request) => {
        const read = real.readSubscription(...request);
        return read.ok ? { ...read, subscription: { ...read.subscription, actions: undefined } } : read;
      };`,
    found: ['leak'],
  },
  'tells nobody over GraphQL to fetch again': {
    module: `${GATEWAY}/formats/graphql-sse.ts`,
    source: `
      import { chunk } from './sse.ts';
      export const GRAPHQL_WORDS = { ...real.GRAPHQL_WORDS, resync: () => ': nothing\\n\\n' };
      export const GRAPHQL_SSE_FRAMES = { ...real.GRAPHQL_SSE_FRAMES, resync: () => chunk(': nothing\\n\\n') };`,
    found: ['loss', 'wrong-view', 'wrong-message', 'leak'],
  },
  'keeps GraphQL streams whose credential was revoked': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper {
        end(stream, code) {
          if (code !== 'CREDENTIAL_ENDED' || stream.selection === undefined) super.end(stream, code);
        }
      }`,
    found: ['still-open', 'leak', 'loss'],
  },
  'judges what GraphQL selects by the rights that it was opened with': {
    module: `${GATEWAY}/transports/stream-keeper.ts`,
    source: `
      export class StreamKeeper extends real.StreamKeeper {
        changed(stream) {
          if (stream.selection === undefined) super.changed(stream);
        }
      }`,
    found: ['leak', 'loss', 'wrong-message', 'wrong-view'],
  },
  'gives an operation the results of another': {
    module: `${GATEWAY}/graphql/operation-lane.ts`,
    source: `
      const known = new WeakMap();
      export class OperationLane extends real.OperationLane {
        constructor(peer, id, onEnd) {
          const names = known.get(peer) ?? [];
          known.set(peer, names);
          names.push(JSON.stringify(id));
          const get = (target, key) => {
            if (key === 'result') return (name, line) => target.result(names[0], line);
            return typeof target[key] === 'function' ? target[key].bind(target) : target[key];
          };
          super(new Proxy(peer, { get }), id, onEnd);
        }
      }`,
    found: ['leak', 'loss', 'wrong-message', 'wrong-order', 'wrong-view'],
  },
  'goes on with operations that were ended': {
    module: `${GATEWAY}/graphql/operations.ts`,
    source: `
      export class Operations extends real.Operations {
        complete() { return true; }
      }`,
    found: ['leak'],
  },
  'begins anew where an operation has a cursor': {
    module: `${GATEWAY}/graphql/operation.ts`,
    source: 'export const cursorIn = () => undefined;',
    found: ['loss', 'wrong-view'],
  },
  'lists properties that may not be read': {
    service: 'records',
    module: '@tidewire/policy',
    source: 'export const visibleFields = ({ reads }) => real.maskOf(reads, reads.names);',
    found: ['wrong-list', 'leak'],
  },
  'answers without a word where a field may not be read': {
    service: 'records',
    module: `${RECORDS}/graphql/field-resolver.ts`,
    source: `
      export const resolveField = (source, given, context, info) => {
        const { mayRead } = source?.presented ?? {};
        const isProperty = mayRead !== undefined && /^[a-z]+$/.test(info.fieldName);
        return isProperty && !mayRead(info.fieldName) ? null : real.resolveField(source, given, context, info);
      };`,
    found: ['wrong-list'],
  },
  'answers that rows are there that others refer to': {
    service: 'records',
    module: `${RECORDS}/graphql/execution.ts`,
    source: `
      export class Execution extends real.Execution {
        async related(schemaId, ids) {
          const found = await super.related(schemaId, ids);
          if (found.length > 0) return found;
          const members = { _version: 1, _created: '', _updated: '' };
          return ids.map((id) => ({
            schemaId,
            presented: { object: { ...members, _uuid: id }, mayRead: () => true },
          }));
        }
      }`,
    found: ['wrong-list', 'leak'],
  },
  'lists without what one of has to hold': {
    service: 'records',
    module: '/libs/graphql/src/filter.ts',
    source: `
      export const readFilter = (fields, { _or, ...filter }, depth) => real.readFilter(fields, filter, depth);`,
    found: ['wrong-list'],
  },
  'tells writers what they may not read': {
    service: 'records',
    module: `${RECORDS}/objects/write-scope.ts`,
    source: `
      export const presentWritten = (scope, read, after) => ({
        ...real.presentWritten(scope, read, after),
        object: { ...after },
        mayRead: () => true,
      });`,
    found: ['leak'],
  },
  'writes over newer versions': {
    service: 'records',
    module: `${RECORDS}/graphql/execution.ts`,
    source: `
      export class Execution extends real.Execution {
        update(schemaId, { id }, input) { return super.update(schemaId, { id }, input); }
      }`,
    found: ['wrong-verdict'],
  },
} as const satisfies Record<string, Sabotage>;
