import { expect, test } from 'vitest';
import { subscriberPermissions } from './service-permissions.ts';
import {
  formatClientSubject,
  formatFeedAnswerSubject,
  parseClientSubject,
  parseFeedAnswerSubject,
} from './subject.ts';
import { formatSubscriber, isInboxOf, parseInbox, parseSubscriber, subscriberInbox } from './subscriber.ts';

const credential = '0b9f5bd2-1f4e-4a83-9d0a-3a5b4a9f7c11';
const alice = { principal: 'alice', credential: null };
const limited = { principal: 'alice', credential };

test.each([
  ['a principal', alice, 'alice'],
  ['a credential with scopes', limited, `alice=${credential}`],
])('%s is one token, and read back', (_what, address, text) => {
  expect(formatSubscriber(address)).toBe(text);
  expect(parseSubscriber(text)).toEqual(address);
  expect(parseClientSubject(formatClientSubject('feed', address))).toEqual(address);
  const answer = { address, gateway: credential, token: '3-17' };
  expect(parseFeedAnswerSubject(formatFeedAnswerSubject(answer))).toEqual(answer);
});

test.each(['', 'Alice', 'a b', '*', '>', 'alice=', 'alice=bob', `alice=${credential}=x`, `=${credential}`])(
  "'%s' is nobody's address",
  (text) => {
    expect(parseSubscriber(text)).toBeUndefined();
  },
);

test('nothing with a meaning in a subject gets into one', () => {
  expect(() => formatSubscriber({ principal: 'a.b', credential: null })).toThrow(RangeError);
  expect(() => formatSubscriber({ principal: 'alice', credential: '*' })).toThrow(RangeError);
  expect(() => formatFeedAnswerSubject({ address: alice, gateway: '*', token: '1' })).toThrow(RangeError);
  expect(() => formatFeedAnswerSubject({ address: alice, gateway: 'g', token: '1.2' })).toThrow(RangeError);
});

test.each([
  ['its own', '_INBOX.alice.x1', true],
  ['its own, of several tokens', '_INBOX.alice.x1.y2', true],
  ['the prefix alone', '_INBOX.alice', false],
  ['none', '', false],
  ["another principal's", '_INBOX.bob.x1', false],
  ["one whose name begins like this one's", '_INBOX.alice2.x1', false],
  ['that of its own credential with scopes', `_INBOX.alice=${credential}.x1`, false],
  ['with a wildcard', '_INBOX.alice.*', false],
  ['with the rest of all', '_INBOX.alice.>', false],
  ['with an empty token', '_INBOX.alice..x', false],
  ['with a blank', '_INBOX.alice.x y', false],
  ['a subject of the log', 'events.none.a.b.c.created', false],
  ['too long', `_INBOX.alice.${'x'.repeat(256)}`, false],
])('an inbox that is %s', (_what, reply, expected) => {
  expect(isInboxOf(alice, reply)).toBe(expected);
});

test.each([
  ['_INBOX.alice.x1', alice],
  [`_INBOX.${formatSubscriber(limited)}.x1.y2`, limited],
  ['_INBOX.alice', undefined],
  ['_INBOX.alice.*', undefined],
  ['_INBOX.>', undefined],
  ['_INBOX.alice=x.x1', undefined],
  ['_INBOX_records.x1', undefined],
  ['events.none.a.b.c.created', undefined],
])('%s is the inbox of the subscriber whose name is in it, if there is one', (subject, owner) => {
  expect(parseInbox(subject)).toEqual(owner);
});

test('a subscriber may publish only as itself and listen only below its own inbox', () => {
  const { publish, subscribe } = subscriberPermissions(limited);
  expect(subscribe).toEqual([`${subscriberInbox(limited)}.>`]);
  const own = publish.filter((subject) => !/^\$SRV\.(PING|INFO)(\.>)?$/.test(subject));
  expect(own).toHaveLength(6);
  for (const subject of own) expect(subject.split('.')[3]).toBe(formatSubscriber(limited));
});
