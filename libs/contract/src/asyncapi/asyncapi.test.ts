import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { CLIENT_MESSAGES } from '../client-message.ts';
import { MESSAGES } from '../message-catalogue.ts';
import type { MessageName } from '../message-catalogue.ts';
import { createOpenApi } from '../operations/openapi.ts';
import { OPERATIONS } from '../operations/operation-table.ts';
import type { Operation } from '../operations/operation.ts';
import { subscriberPermissions } from '../service-permissions.ts';
import { streamMessageSchema } from '../stream-message.ts';
import { parseClientSubject, parseFeedAnswerSubject } from '../subject.ts';
import { isInboxOf } from '../subscriber.ts';
import { createAsyncApi } from './asyncapi.ts';
import { MESSAGE_EXAMPLES } from './message-example.ts';

interface Reference {
  readonly $ref: string;
}
interface Channel {
  readonly address: string;
  readonly servers: readonly Reference[];
  readonly messages: Readonly<Record<string, Reference>>;
}

const ALICE = { principal: 'alice', credential: null };
const GATEWAY = '3f0b0c1e-8a8f-4a55-9d2a-0b8a1f6d3c21';
const document = createAsyncApi();
const channels = Object.values(document.channels) as unknown as readonly Channel[];
const publicNames = (Object.keys(MESSAGES) as MessageName[]).filter(
  (name) => MESSAGES[name].audience === 'public',
);

function channelsOn(server: string): readonly Channel[] {
  return channels.filter(({ servers }) => servers.some(({ $ref }) => $ref === `#/servers/${server}`));
}

function messageNames(some: readonly Channel[]): readonly string[] {
  const keys = some.flatMap(({ messages }) => Object.keys(messages));
  return [...new Set(keys.map((key) => String(document.components.messages[key]?.['name'])))].toSorted();
}

/** Alice's own subject of a channel, each other parameter being one token. */
function subjectOf({ address }: Channel): string {
  return address
    .replace('{subscriber}', 'alice')
    .replace('{gateway}', GATEWAY)
    .replaceAll(/\{\w+\}/g, 'x1');
}

function isAllowed(subject: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const expression = pattern.replaceAll('.', String.raw`\.`).replaceAll('$', String.raw`\$`);
    return new RegExp(`^${expression.replaceAll('*', '[^.]+').replace('>', '.+')}$`).test(subject);
  });
}

test('a subscriber may use every subject of the document, and every subject that it may use is in the document', () => {
  const { publish, subscribe } = subscriberPermissions(ALICE);
  const subjects = channelsOn('nats').map(subjectOf);
  for (const subject of subjects) {
    const allowed = [publish, subscribe].filter((patterns) => isAllowed(subject, patterns));
    expect(allowed, subject).toHaveLength(1);
  }
  for (const pattern of [...publish, ...subscribe]) {
    // Which services there are is asked as NATS has it, and answered as NATS has it.
    if (pattern.startsWith('$SRV.')) continue;
    expect(
      subjects.filter((subject) => isAllowed(subject, [pattern])),
      pattern,
    ).toHaveLength(1);
  }
});

test('the subjects of the document are read as those of the subscriber that they name', () => {
  for (const subject of channelsOn('nats').map(subjectOf)) {
    const readers = [
      subject.startsWith('_INBOX.') && isInboxOf(ALICE, subject),
      parseFeedAnswerSubject(subject)?.address.principal === 'alice',
      parseClientSubject(subject)?.principal === 'alice',
    ];
    expect(readers.filter(Boolean), subject).toHaveLength(1);
  }
});

test('what only NATS carries is in the document, and so is the kind of each of its headers', () => {
  const carried = messageNames(channelsOn('nats'));
  const onlyThere = publicNames.filter((name) => /^(feed|list|get|query)-/.test(name));
  expect(onlyThere.length).toBeGreaterThan(4);
  expect(carried).toEqual(expect.arrayContaining(onlyThere));
  const contentTypes = Object.entries(document.components.messages).flatMap(([key, message]) =>
    'headers' in message ? [[key, message['contentType']]] : [],
  );
  expect(Object.fromEntries(contentTypes)).toMatchObject({
    'nats.cloud-event': 'application/cloudevents+json',
    'nats.problem': 'application/problem+json',
    'nats.heartbeat': 'application/json',
  });
});

test('every stream of the table of operations is a channel', () => {
  const streams = (OPERATIONS as readonly Operation[]).filter(({ answers }) => answers[200]?.events);
  expect(Object.keys(document.operations)).toEqual(expect.arrayContaining(streams.map(({ id }) => id)));
  const paths = new Set(streams.map(({ path }) => path));
  expect(channelsOn('https').map(({ address }) => address)).toEqual([...paths]);
});

test('the sockets tell and take every message that there is for them', () => {
  const taken = Object.values(CLIENT_MESSAGES) as readonly z.ZodType[];
  const schemas: readonly unknown[] = [
    ...streamMessageSchema.options,
    ...taken.flatMap((schema) => (schema instanceof z.ZodUnion ? schema.options : [schema])),
  ];
  const names = publicNames.filter((name) => schemas.includes(MESSAGES[name].schema));
  expect(names).toHaveLength(schemas.length);
  for (const address of ['/api/realtime/subscribe', '/api/tables/{table}/subscribe']) {
    const socket = channelsOn('wss').filter((channel) => channel.address === address);
    expect(messageNames(socket)).toEqual(names.toSorted());
  }
});

test('every message for clients is in this document or in that of the requests, and no message of the inside is', () => {
  const inHere = messageNames(channels);
  const text = JSON.stringify(createOpenApi());
  const missing = publicNames.filter((name) => {
    const component = name.replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
    return (
      !inHere.includes(name) &&
      !text.includes(`schemas/${component}"`) &&
      !text.includes(`Register${component}"`)
    );
  });
  // It stands among the results of a list, which the list says in words.
  expect(missing).toEqual(['deleted-object']);
  const inside = (Object.keys(MESSAGES) as MessageName[]).filter((name) => !publicNames.includes(name));
  expect(inHere.filter((name) => (inside as readonly string[]).includes(name))).toEqual([]);
});

test('the examples are those of the catalogue, one for each message that clients see', () => {
  expect(Object.keys(MESSAGE_EXAMPLES).toSorted()).toEqual(publicNames.toSorted());
  for (const name of publicNames) {
    const file = join(import.meta.dirname, '..', '..', 'examples', `${name}.json`);
    const example: unknown = Object.entries(MESSAGE_EXAMPLES).find(([key]) => key === name)?.[1];
    expect(example).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  }
});

test('the same text is made each time', () => {
  expect(JSON.stringify(createAsyncApi())).toBe(JSON.stringify(document));
});
