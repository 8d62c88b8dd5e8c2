import { EXPLAIN_LIMITS, formatEventId } from '@tidewire/contract';
import type {
  EventExplanation,
  LogPosition,
  ObjectImage,
  ObjectMessage,
  PropertyExplanation,
  RuleReference,
  Transition,
} from '@tidewire/contract';
import { changedFields, entersDecision, explainAccess } from '@tidewire/policy';
import { carriesImage, identify } from '@tidewire/rights';
import { judge, viewBefore } from '../fanout/judge.ts';
import type { ObjectEntry } from '../fanout/subscription.ts';
import {
  NO_WISH,
  createJudgedClasses,
  describePrincipal,
  judgingOf,
  readRequest,
} from './explained-reader.ts';
import type { ExplainedReader } from './explained-reader.ts';
import type { RightsEntry } from './past-events.ts';

export interface EventQuestion extends ExplainedReader {
  readonly entry: ObjectEntry;
  /** Changes of rights after the event; `complete` is false when there are more than were read. */
  readonly later: { readonly entries: readonly RightsEntry[]; readonly complete: boolean };
  /** Where the view is. */
  readonly position: LogPosition;
}

type Images = Pick<EventExplanation, 'before' | 'after'>;

/**
 * Explains an event for a reader under the rights of now, as the fan-out would judge it for a subscription to its schema
 * without a filter. Asks nothing and waits for nothing: rights, images and time are those of one moment.
 */
export function explainEvent(question: EventQuestion): EventExplanation {
  const { entry, position } = question;
  const { message } = entry;
  const principal = describePrincipal(question);
  const images = explainImages(question);
  const transition = transitionOf(question) ?? null;
  const unencodable = message.unencodable === true;
  const removed = transition === null ? [] : removedProperties(message, transition, images);
  const rightsChanged = describeChanges(question);
  const delivered = transition !== null || (unencodable && reachesSchema(question));
  const sentences = [
    unencodable ? WITHOUT_IMAGES : tell(principal.id, transition, images),
    ...(removed.length > 0 ? [`It is not told ${removed.map(({ name }) => `'${name}'`).join(', ')}.`] : []),
    ...(rightsChanged.changed ? [CHANGED_SINCE] : []),
  ];
  return {
    kind: 'event',
    verdict: sentences.join(' '),
    principal,
    position: formatEventId(position),
    delivered,
    transition,
    event: {
      id: formatEventId(entry),
      action: message.action,
      time: message.time,
      register: message.register.slug,
      schema: message.schema.slug,
      uuid: message.uuid,
      organisation: message.organisation,
      version: message.version,
    },
    ...images,
    removed,
    rightsChanged,
  };
}

const WITHOUT_IMAGES =
  'What the row was could not be stored in the log: every subscriber of the schema is told to fetch again.';
const CHANGED_SINCE = 'Rights changed since the event, which may have been judged otherwise at its time.';

function explainImages(question: EventQuestion): Images {
  const { entry, nowMs } = question;
  const { before, after, schema } = entry.message;
  const request = readRequest(question, schema.id);
  return {
    before:
      before === null
        ? null
        : { ...explainAccess(request, before, nowMs), seenEarlier: wasSeenEarlier(question, before) },
    after: after === null ? null : explainAccess(request, after, nowMs),
  };
}

function classOf(question: EventQuestion): ReturnType<ReturnType<typeof createJudgedClasses>> {
  const { message } = question.entry;
  const interests = [{ kind: 'schema', schemaId: message.schema.id } as const];
  return createJudgedClasses(question, { ...NO_WISH, interests })(message);
}

function transitionOf(question: EventQuestion): Transition | undefined {
  const viewClass = classOf(question);
  return viewClass && judge(viewClass, question.entry.message, judgingOf(question))?.transition;
}

function reachesSchema(question: EventQuestion): boolean {
  return classOf(question) !== undefined;
}

function wasSeenEarlier(question: EventQuestion, before: ObjectImage): boolean {
  const viewClass = classOf(question);
  return viewClass !== undefined && viewBefore(viewClass, before, judgingOf(question)) === 'once';
}

const TOLD = Object.freeze({
  created: 'that the object was created',
  entered: 'that the object entered what it may see',
  updated: 'that the object was updated',
  left: 'that the object left what it may see',
  deleted: 'that the object was deleted',
} satisfies Record<Transition, string>);

function tell(id: string, transition: Transition | null, { before, after }: Images): string {
  const reason = (after ?? before)?.reason ?? '';
  if (transition === null) return `'${id}' hears nothing of it. ${reason}`;
  return `'${id}' is told ${TOLD[transition]}. ${reason}`;
}

/** What the event's frame would carry for who may read everything, and does not carry here. */
function removedProperties(
  message: ObjectMessage,
  transition: Transition,
  images: Images,
): EventExplanation['removed'] {
  const { before, after } = message;
  if (!carriesImage(transition) || after === null) return [];
  const changed = new Set(transition === 'updated' && before !== null ? changedFields(before, after) : []);
  const older = new Map((images.before?.properties ?? []).map((property) => [property.name, property]));
  return (images.after?.properties ?? []).flatMap((property) => {
    const { name } = property;
    const isChanged = changed.has(name);
    if (!property.allowed) {
      const from = [
        ...(Object.hasOwn(after, name) ? (['object'] as const) : []),
        ...(isChanged ? (['changed'] as const) : []),
      ];
      return from.length === 0 ? [] : [removal(property, 'after', from)];
    }
    const past = older.get(name);
    return isChanged && past?.allowed === false ? [removal(past, 'before', ['changed'])] : [];
  });
}

type Removal = EventExplanation['removed'][number];

function removal(
  { name, reason, steps }: PropertyExplanation,
  image: Removal['image'],
  from: Removal['from'],
): Removal {
  const rules = steps.flatMap(({ rule }): RuleReference[] => (rule === undefined ? [] : [rule]));
  return { name, from, image, reason, rules };
}

/** Changes that take part in what this reader may see of the event's schema; the newest ones are listed. */
function describeChanges(question: EventQuestion): EventExplanation['rightsChanged'] {
  const { view, reader, later, entry } = question;
  const principal = identify(view, reader)?.principal ?? null;
  const schema = entry.message.schema.id;
  const concerned = later.entries.filter(({ message }) =>
    entersDecision(view, message.state, { principal, schema }),
  );
  return {
    changed: concerned.length > 0,
    complete: later.complete && concerned.length <= EXPLAIN_LIMITS.maxChanges,
    changes: concerned.slice(-EXPLAIN_LIMITS.maxChanges).map(({ epoch, sequence, message }) => ({
      event: formatEventId({ epoch, sequence }),
      time: message.time,
      kind: message.state.kind,
      id: message.state.id,
      version: message.state.version,
    })),
  };
}
