import { expect, test } from 'vitest';
import { isNotifierInboxOf, notifierInbox } from './notifier-inbox.ts';
import { isInboxOf } from './subscriber.ts';
import { isWebhookHeaderAllowed, newWebhookSchema, webhookPatchSchema } from './webhook.ts';

const webhook = { name: 'a', url: 'https://example.org/hook?x=1', topics: ['register/zaken'] };

test.each(['https://example.org', 'http://10.0.0.1:8080/x', 'https://[2001:db8::1]/'])(
  '%s is an address as far as can be seen',
  (url) => {
    expect(newWebhookSchema.safeParse({ ...webhook, url }).success).toBe(true);
  },
);

test.each([
  '',
  'example.org/hook',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https://user@example.org/',
  'https://:secret@example.org/',
  'https://example.org/#part',
  ' https://example.org/',
  'https://exa\nmple.org/',
  'https://example.org/\u0000',
  'https://example.org/\ud800',
  `https://example.org/${'x'.repeat(2000)}`,
])('%j is no address of a webhook', (url) => {
  expect(newWebhookSchema.safeParse({ ...webhook, url }).success).toBe(false);
});

test.each([
  'Host',
  'Content-Type',
  'content-length',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Upgrade',
  'Expect',
  'Proxy-Authorization',
  'X-Webhook-Signature',
  'webhook-signature',
  'Webhook-Anything',
  'CE-Type',
  'Tidewire-Connection',
  'User-Agent',
  'X-Forwarded-For',
  'Forwarded',
])('the header %s is not for owners to set', (name) => {
  expect(isWebhookHeaderAllowed(name)).toBe(false);
  expect(newWebhookSchema.safeParse({ ...webhook, headers: { [name]: 'x' } }).success).toBe(false);
});

test.each(['Authorization', 'X-Api-Key', 'Cookie', 'X-Tenant'])('the header %s is', (name) => {
  expect(newWebhookSchema.safeParse({ ...webhook, headers: { [name]: 'x' } }).success).toBe(true);
});

test.each(['a\r\nb: c', 'a\nb', ' a', 'a ', '', 'é', '\0', 'x'.repeat(1025)])(
  'the value %j is no value of a header',
  (value) => {
    expect(newWebhookSchema.safeParse({ ...webhook, headers: { 'X-A': value } }).success).toBe(false);
  },
);

test('a change names something, and may take away a filter', () => {
  expect(webhookPatchSchema.safeParse({}).success).toBe(false);
  expect(webhookPatchSchema.safeParse({ filter: null, fields: null }).success).toBe(true);
  expect(webhookPatchSchema.safeParse({ url: null }).success).toBe(false);
});

const alice = { principal: 'alice', credential: null };
const limited = { principal: 'alice', credential: '5c0de000-0000-4000-8000-000000000001' };

test('an inbox of the notifier is that of one subscriber, and none of its own', () => {
  const inbox = `${notifierInbox(alice)}.gateway.token`;
  expect(isNotifierInboxOf(alice, inbox)).toBe(true);
  expect(isInboxOf(alice, inbox)).toBe(false);
  expect(isNotifierInboxOf(limited, inbox)).toBe(false);
  expect(isNotifierInboxOf(alice, `${notifierInbox(limited)}.a.b`)).toBe(false);
  expect(isNotifierInboxOf({ principal: 'ali', credential: null }, inbox)).toBe(false);
  for (const text of [
    notifierInbox(alice),
    `${notifierInbox(alice)}.`,
    `${notifierInbox(alice)}.*`,
    `${notifierInbox(alice)}.>`,
  ]) {
    expect(isNotifierInboxOf(alice, text)).toBe(false);
  }
  expect(isNotifierInboxOf(alice, '_INBOX.alice.x')).toBe(false);
});
