import { sameJson } from './expectation.ts';
import type { Interest, Message } from './expectation.ts';
import { Finding } from './finding.ts';
import { graphqlMessageOf, graphqlTold, isInOrder } from './graphql-face.ts';
import type { GraphqlOperation } from './graphql-face.ts';
import type { Change } from './history.ts';
import { tableMessageOf } from './table-face.ts';
import type { ReceivedEvent } from './transport.ts';

/** The words in which changes are told. */
export interface EventFace {
  /** What came, but for what is the same for all who are told of the change. */
  readonly told: (event: ReceivedEvent) => Message;
  /** What has to come, where a follower of topics is told `message`. `id`: of the event. */
  readonly said: (message: Message, change: Change, id: string) => Message;
  /** Judges the rest of what came. @throws Finding */
  readonly judgeRest: (name: string, event: ReceivedEvent, change: Change) => void;
  /** What somebody knows who has the message, piece by piece. */
  readonly leaves: (message: Message) => readonly string[];
}

/** How events come to somebody over a transport: what GraphQL selects may be followed over others as well. */
export function faceOf({ table, graphql, order }: Interest, transport: string): EventFace {
  if (table !== undefined) {
    return {
      told: tableTold,
      said: (message, change) => tableMessageOf(change, message, order),
      judgeRest: () => undefined,
      leaves: ({ data }) => leavesOf(data),
    };
  }
  return graphql === undefined || !transport.startsWith('graphql') ? TOPIC_FACE : graphqlFace(graphql);
}

const TOPIC_FACE: EventFace = {
  told: ({ name, text }) => ({ name, data: (JSON.parse(text) as Pick<Message, 'data'>).data }),
  said: (message) => message,
  judgeRest: judgeEnvelope,
  leaves: ({ data }) => leavesOf(data),
};

function graphqlFace(operation: GraphqlOperation): EventFace {
  return {
    told: (event) => graphqlTold(operation, event),
    said: (message, _change, id) => graphqlMessageOf(operation, message, id),
    judgeRest: (name, event) => {
      if (isInOrder(operation, event)) return;
      throw new Finding('wrong-message', `${name} got members in another order than it asked for`, { event });
    },
    // Null is told instead of what may not be known, and an error says so.
    leaves: ({ data }) => leavesOf(data['data']).filter((leaf) => !leaf.endsWith('=null')),
  };
}

/** A message of a table but for its event id, which is the place that it was taken by. */
function tableTold({ name, text }: ReceivedEvent): Message {
  const { eventId: _eventId, ...data } = JSON.parse(text) as Record<string, unknown>;
  return { name, data };
}

/** The part of an event that is the same for all who get it. */
function judgeEnvelope(name: string, event: ReceivedEvent, change: Change): void {
  const { data, id, source: _source, ...rest } = JSON.parse(event.text) as Record<string, unknown>;
  const left = (data as Message['data'])['transition'] === 'left';
  const expected: Record<string, unknown> = {
    specversion: '1.0',
    type: `nl.conduction.openregister.${event.name}`,
    time: change.time,
    subject: change.uuid,
    datacontenttype: 'application/json',
    sequence: String(change.sequence).padStart(12, '0'),
    ...(left || change.correlationId === null ? {} : { correlationid: change.correlationId }),
  };
  if (sameJson(rest, expected) && String(id).endsWith(`-${String(expected['sequence'])}`)) return;
  throw new Finding('wrong-message', `${name} got an envelope that is not right`, { event, expected });
}

function leavesOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}=${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, `${path}/${name}`));
}
