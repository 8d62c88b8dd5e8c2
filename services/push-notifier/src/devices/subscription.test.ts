import { newDeviceSchema, quietHoursSchema } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { createSubscriptionKeys } from '../../test/push-endpoint.ts';
import { checkSubscription } from './subscription.ts';

const { curve, auth } = createSubscriptionKeys();
const keys = { p256dh: curve.getPublicKey('base64url'), auth: auth.toString('base64url') };
const subscription = { endpoint: 'https://push.example.com/wpush/abc', expirationTime: null, keys };
const device = { subscription, topics: ['register/zaken'] };

test('takes what a browser gives', () => {
  expect(newDeviceSchema.parse(device)).toEqual({
    kind: 'web-push',
    subscription,
    topics: ['register/zaken'],
    name: null,
    quietHours: null,
    maxPerHour: 30,
  });
});

test.each([
  ['a key that is too short', { ...keys, p256dh: keys.p256dh.slice(0, -1) }],
  ['a compressed point', { ...keys, p256dh: curve.getPublicKey('base64url', 'compressed') }],
  ['a key that is too long', { ...keys, p256dh: `${keys.p256dh}A` }],
  ['bits after its end', { ...keys, p256dh: `${keys.p256dh.slice(0, -1)}B` }],
  ['a secret that is too short', { ...keys, auth: auth.subarray(1).toString('base64url') }],
  ['a secret that is too long', { ...keys, auth: `${keys.auth}AAAA` }],
  ['no secret', { p256dh: keys.p256dh }],
])('refuses %s', (_what, given) => {
  expect(
    newDeviceSchema.safeParse({ ...device, subscription: { ...subscription, keys: given } }).success,
  ).toBe(false);
});

test('refuses a key that is no point of the curve, before anything is encrypted for it', () => {
  const p256dh = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)]).toString('base64url');
  const given = { ...subscription, keys: { ...keys, p256dh } };
  expect(newDeviceSchema.safeParse({ ...device, subscription: given }).success).toBe(true);
  expect(() => checkSubscription(given, { allowPrivate: false })).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      errors: [{ field: '/subscription/keys/p256dh', message: 'is not a point of the curve P-256' }],
    }),
  );
});

test.each([
  ['https://169.254.169.254/latest'],
  ['http://push.example.com/abc'],
  ['https://android.googleapis.com/gcm/send/abc'],
])('refuses the endpoint %s', (endpoint) => {
  const given = { ...subscription, endpoint };
  expect(() => checkSubscription(given, { allowPrivate: false })).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      errors: [{ field: '/subscription/endpoint', message: expect.any(String) }],
    }),
  );
});

test('keeps an endpoint in one spelling', () => {
  const spellings = ['https://PUSH.example.com:443/a/../wpush/abc#x', 'https://push.example.com/wpush/abc'];
  for (const endpoint of spellings) {
    expect(checkSubscription({ ...subscription, endpoint }, { allowPrivate: false })).toEqual({
      endpoint: 'https://push.example.com/wpush/abc',
      host: 'push.example.com',
      keys,
    });
  }
});

test.each([
  ['Europe/Amsterdam', true],
  ['UTC', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Mars/Olympus', false],
  ['+02:00', false],
  ['', false],
  ["UTC'; DROP TABLE push.devices", false],
])('quiet hours in the time zone %s: %s', (timeZone, isKnown) => {
  expect(quietHoursSchema.safeParse({ from: '22:00', until: '07:00', timeZone }).success).toBe(isKnown);
});

test('quiet hours have two different times of the day', () => {
  const timeZone = 'UTC';
  for (const [from, until] of [
    ['07:00', '07:00'],
    ['24:00', '07:00'],
    ['7:00', '08:00'],
  ]) {
    expect(quietHoursSchema.safeParse({ from, until, timeZone }).success).toBe(false);
  }
});
