import { EVENT_NAMES, formatEventId } from '@tidewire/contract';
import type { LogPosition, ObjectAction, ObjectMessage, Transition } from '@tidewire/contract';

export interface CloudEventSettings {
  /** `source` of every event: the same on every replica, so that source and id name one event everywhere. */
  readonly source: string;
  /** Stands before `.object.updated` in `type`. */
  readonly typePrefix: string;
}

/** A change as one kind of reader may see it. */
export interface VisibleChange {
  readonly position: LogPosition;
  readonly message: ObjectMessage;
  readonly transition: Transition;
  /** Whether the reader may be told who made it. */
  readonly withActor: boolean;
  /** The object's members as JSON, without the braces: system members and permitted properties. */
  readonly object: string;
  /** The permitted changes as JSON members, `"field":{"old":…,"new":…}`, without the braces. */
  readonly changed: string;
}

const ACTIONS = Object.freeze({
  created: 'created',
  entered: 'updated',
  updated: 'updated',
  left: 'deleted',
  deleted: 'deleted',
} as const satisfies Record<Transition, ObjectAction>);

/** What a transition is called on the registers face: a row that enters one's view was updated, one that leaves it deleted. */
export function wireAction(transition: Transition): ObjectAction {
  return ACTIONS[transition];
}

/**
 * The CloudEvent of a change, as one line of JSON. Texts are put together rather than objects, because the members are
 * encoded once per event and shared by all readers (`cloudEventSchema` says what comes out).
 */
export function formatCloudEvent(change: VisibleChange, settings: CloudEventSettings): string {
  const { position, message, transition } = change;
  const { correlationId } = message;
  // Whoever lost sight of a row is told its id only, not which request took it away.
  const correlation =
    correlationId === null || transition === 'left'
      ? ''
      : `,"correlationid":${JSON.stringify(correlationId)}`;
  return (
    `{"specversion":"1.0","id":"${formatEventId(position)}","source":${JSON.stringify(settings.source)}` +
    `,"type":${JSON.stringify(`${settings.typePrefix}.${EVENT_NAMES[wireAction(transition)]}`)}` +
    `,"time":${JSON.stringify(message.time)},"subject":${JSON.stringify(message.uuid)}` +
    `,"datacontenttype":"application/json","sequence":"${formatSequence(position.sequence)}"${correlation}` +
    `,"data":${formatData(change)}}`
  );
}

function formatData(change: VisibleChange): string {
  const { message, transition } = change;
  const identity =
    `{"uuid":${JSON.stringify(message.uuid)},"register":${JSON.stringify(message.register.slug)}` +
    `,"schema":${JSON.stringify(message.schema.slug)}`;
  const version = `,"version":${message.version}`;
  const organisation = `,"organisation":${JSON.stringify(message.organisation)}`;
  switch (transition) {
    case 'left':
      return `${identity},"transition":"left"}`;
    case 'deleted':
      return `${identity}${version}${formatActor(change)}}`;
    case 'entered':
      return `${identity}${organisation}${version},"transition":"entered"${formatActor(change)},"object":{${change.object}}}`;
    case 'created':
      return `${identity}${organisation}${version}${formatActor(change)},"object":{${change.object}}}`;
    case 'updated':
      return (
        `${identity}${organisation}${version}${formatActor(change)}` +
        `,"changed":{${change.changed}},"object":{${change.object}}}`
      );
  }
}

function formatActor({ message, withActor }: VisibleChange): string {
  if (!withActor || message.actor === null) return '';
  return `,"actor":${JSON.stringify({ id: message.actor.id, name: message.actor.name })}`;
}

/** The sequence as text that sorts like the number: as wide as in an event's id. */
function formatSequence(sequence: number): string {
  return String(sequence).padStart(12, '0');
}
