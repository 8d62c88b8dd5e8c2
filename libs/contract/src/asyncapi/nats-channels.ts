import { z } from 'zod';
import { FEED_ANSWERS, FEED_CONTENT_TYPES, FEED_HEADERS } from '../feed.ts';
import { CLIENT_SUBJECTS, formatFeedAnswerSubject, queueGroup } from '../subject.ts';
import type { ClientSubject } from '../subject.ts';
import { subscriberInbox } from '../subscriber.ts';
import { catalogueMessage } from './description.ts';
import type { ChannelDescription, Json, MessageDescription } from './description.ts';
import type { PublicMessageName } from './message-example.ts';

const SECURITY = ['natsToken', 'accessToken'];
/** Stands for an address while a subject is built, and then for the parameter in it. */
const SOMEBODY = { principal: 'subscriber', credential: null };
const INBOX = 'inbox';

const SUBSCRIBER: Json = {
  description:
    'The address of the subscriber: its principal, or `{principal}={id of the token}` for a token with scopes. NATS lets ' +
    'nobody else publish or listen there.',
  examples: ['alice', 'importer=5d1c8f0a-93b2-4c0d-8a52-7f1f6a3c9b21'],
};

interface RequestRow {
  readonly id: string;
  /** Whose replicas share these requests. */
  readonly queue: 'feed' | 'fanout-gateway' | 'records';
  readonly title: string;
  readonly description: string;
  readonly request: PublicMessageName;
  readonly answers: readonly PublicMessageName[];
}

/** What comes while a stream lasts. */
const STREAM: readonly PublicMessageName[] = [
  'subscribed',
  'heartbeat',
  'cloud-event',
  'table-change',
  'resync-message',
  'connection-status',
  'feed-end',
];

const REQUESTS: Readonly<Record<ClientSubject, RequestRow>> = {
  feed: {
    id: 'nextEvents',
    queue: 'feed',
    title: 'The next events of a feed',
    description:
      'Without `expires` one answer at once, in the shape of a long poll. With it a stream of messages in the inbox until ' +
      'then, or until `max` events were told: the first says how it was understood, the last is an end. Requests with the same `group` ' +
      'share the events.',
    request: 'feed-request',
    answers: ['topic-poll', 'table-poll', ...STREAM],
  },
  list: {
    id: 'readList',
    queue: 'records',
    title: 'A page of objects or records',
    description: 'The document that the list has over HTTP, with the position to subscribe from.',
    request: 'list-request',
    answers: ['object-list', 'table-record-list'],
  },
  get: {
    id: 'readOne',
    queue: 'records',
    title: 'One object or record',
    description: 'What may not be seen is not there.',
    request: 'get-request',
    answers: ['object', 'table-record'],
  },
  topics: {
    id: 'readTopics',
    queue: 'fanout-gateway',
    title: 'What the subscriber may subscribe to',
    description: 'The answer of `/api/realtime/topics`.',
    request: 'query-request',
    answers: ['topic-list'],
  },
  explain: {
    id: 'readExplanation',
    queue: 'fanout-gateway',
    title: 'Why the subscriber sees something, or does not',
    description: 'The answer of `/api/explain`.',
    request: 'query-request',
    answers: ['explanation'],
  },
};

/** Every channel of the clients' account, made of the subjects that NATS lets a subscriber use. */
export function natsChannels(): readonly ChannelDescription[] {
  const requests = (Object.keys(CLIENT_SUBJECTS) as ClientSubject[]).map((kind) => requestChannel(kind));
  return [...requests, answerChannel(), inboxChannel()];
}

function requestChannel(kind: ClientSubject): ChannelDescription {
  const { id, queue, title, description, request, answers } = REQUESTS[kind];
  const message = { ...catalogueMessage(request), key: keyOf(request) };
  return {
    key: id,
    server: 'nats',
    address: `${CLIENT_SUBJECTS[kind]}.{subscriber}`,
    title,
    description,
    parameters: { subscriber: SUBSCRIBER },
    messages: [message],
    operations: [
      {
        id,
        action: 'receive',
        summary: `${title}.`,
        description,
        security: SECURITY,
        messages: [message],
        bindings: { nats: { queue: queueGroup(queue), bindingVersion: '0.1.0' } },
        reply: { channel: INBOX, messages: [...answers, 'problem' as const].map(natsMessage) },
      },
    ],
  };
}

function answerChannel(): ChannelDescription {
  const answer: MessageDescription = {
    key: keyOf('feed-answer'),
    name: 'feed-answer',
    summary:
      'What a message with a reply subject is answered with. Anything else, nothing included, is `+ACK`.',
    schema: z.string(),
    examples: Object.values(FEED_ANSWERS),
    contentType: 'text/plain',
  };
  const address = formatFeedAnswerSubject({ address: SOMEBODY, gateway: 'gateway', token: 'token' });
  const title = 'Answers of a subscriber';
  return {
    key: 'answerMessage',
    server: 'nats',
    address: address.replaceAll(/\b(subscriber|gateway|token)\b/g, '{$1}'),
    title,
    description:
      `The reply subject of a message, taken as it is. \`${FEED_ANSWERS.done}\`: it was worked on. In groups also ` +
      `\`${FEED_ANSWERS.again}\`: give it to somebody again; \`${FEED_ANSWERS.working}\`: I am still at it. ` +
      `\`${FEED_ANSWERS.stop}\` ends the stream.`,
    parameters: {
      subscriber: SUBSCRIBER,
      gateway: { description: 'The gateway that waits for the answer.' },
      token: { description: 'What is answered.' },
    },
    messages: [answer],
    operations: [
      {
        id: 'answerMessage',
        action: 'receive',
        summary: `${title}: flow control, sign of life, and acknowledgement in groups.`,
        security: SECURITY,
        messages: [answer],
      },
    ],
  };
}

function inboxChannel(): ChannelDescription {
  const answers = Object.values(REQUESTS).flatMap((request) => request.answers);
  const names = [...new Set<PublicMessageName>([...answers, 'problem'])];
  return {
    key: INBOX,
    server: 'nats',
    address: `${subscriberInbox(SOMEBODY).replace('subscriber', '{subscriber}')}.{inbox}`,
    title: 'The inbox of a subscriber',
    description:
      `Every inbox of a client begins with its address: set the inbox prefix of the connection. \`${FEED_HEADERS.contentType}\` ` +
      'tells events and refusals from everything else, which `type` tells apart. A message that has a reply subject wants ' +
      'an answer there, and no more come than may wait for one.',
    parameters: {
      subscriber: SUBSCRIBER,
      inbox: { description: 'What the client makes up for a request; may have several tokens.' },
    },
    messages: names.map(natsMessage),
    operations: [
      {
        id: 'tellFeed',
        action: 'send',
        summary: 'What a stream of a feed tells, in its order.',
        security: SECURITY,
        messages: [...STREAM, 'problem' as const].map(natsMessage),
      },
    ],
  };
}

/** A message in an inbox: the same as elsewhere, with the header that tells what it is. */
function natsMessage(name: PublicMessageName): MessageDescription {
  const contentType =
    name === 'cloud-event'
      ? FEED_CONTENT_TYPES.event
      : name === 'problem'
        ? FEED_CONTENT_TYPES.problem
        : FEED_CONTENT_TYPES.message;
  const refusal = {
    [FEED_HEADERS.errorCode]: { type: 'string', description: 'The HTTP status of the refusal.' },
    [FEED_HEADERS.error]: { $ref: '#/components/schemas/ErrorCode' },
  };
  const required = {
    [FEED_HEADERS.contentType]: { type: 'string', const: contentType },
    ...(name === 'problem' && refusal),
  };
  const retryAfter = { type: 'string', description: 'Seconds, where asking again can help.' };
  return {
    ...catalogueMessage(name),
    key: keyOf(name),
    contentType,
    headers: {
      type: 'object',
      properties: { ...required, ...(name === 'problem' && { [FEED_HEADERS.retryAfter]: retryAfter }) },
      required: Object.keys(required),
    },
  };
}

/** What carries a message of the catalogue in NATS has another name: it has headers. */
function keyOf(name: string): string {
  return `nats.${name}`;
}
