import { createECDH } from 'node:crypto';
import { deviceMessageSchema } from '@tidewire/contract';
import type { DeviceMessage } from '@tidewire/contract';
import { importJWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import webPush from 'web-push';
import { createSubscriptionKeys, decryptMessage } from '../../test/push-endpoint.ts';
import type { SubscriptionKeys } from '../../test/push-endpoint.ts';
import { changedMessage, encodeMessage } from './device-message.ts';

const SINCE = { epoch: 'm0000000', sequence: 41 };
const vapid = { ...webPush.generateVAPIDKeys(), subject: 'mailto:operator@example.org' };
const options = { vapid };

function deviceOf({ curve, auth }: SubscriptionKeys) {
  return {
    endpoint: 'https://push.example.com:8443/wpush/abc',
    keys: { p256dh: curve.getPublicKey('base64url'), auth: auth.toString('base64url') },
  };
}
const topicsOf = (count: number, length = 20): string[] =>
  Array.from({ length: count }, (_, n) => `register/${String(n).padEnd(length, 'x')}`);
const sizeOf = (message: DeviceMessage): number =>
  encodeMessage(deviceOf(createSubscriptionKeys()), message, options).body.length;

test('the example of RFC 8291 is read as it says', () => {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url');
  const auth = Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url');
  const body = Buffer.from(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl' +
      '7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
    'base64url',
  );
  expect(decryptMessage(body, { curve, auth }).toString()).toBe('When I grow up, I want to be a watermelon');
});

test('a message is read by its device and by no other', () => {
  const keys = createSubscriptionKeys();
  const { body } = encodeMessage(deviceOf(keys), changedMessage(SINCE, ['register/zaken']), options);
  const text = decryptMessage(body, keys).toString();
  expect(deviceMessageSchema.parse(JSON.parse(text))).toEqual({
    type: 'changed',
    since: 'evt-m0000000-000000000041',
    topics: ['register/zaken'],
    changes: '/api/push/changes?since=evt-m0000000-000000000041',
  });
  expect(body.toString('latin1')).not.toContain('zaken');
  expect(() => decryptMessage(body, createSubscriptionKeys())).toThrow(/auth/);
  expect(() => decryptMessage(body, { ...keys, auth: createSubscriptionKeys().auth })).toThrow(/auth/);
});

test('says how long it counts, and that a newer one takes its place', () => {
  const { headers } = encodeMessage(deviceOf(createSubscriptionKeys()), changedMessage(SINCE, null), options);
  expect(headers).toMatchObject({
    'TTL': '86400',
    'Urgency': 'normal',
    'Topic': 'tidewire-changed',
    'Content-Encoding': 'aes128gcm',
    'Content-Type': 'application/octet-stream',
  });
  expect(
    encodeMessage(deviceOf(createSubscriptionKeys()), { type: 'test' }, options).headers['Topic'],
  ).not.toBe(headers['Topic']);
});

test.each([
  [undefined, '86400'],
  [60, '60'],
  [100 * 86_400, '2419200'],
])('asked for %s seconds, it counts for %s', (ttlSeconds, expected) => {
  const { headers } = encodeMessage(
    deviceOf(createSubscriptionKeys()),
    { type: 'test' },
    { vapid, ...(ttlSeconds !== undefined && { ttlSeconds }) },
  );
  expect(headers['TTL']).toBe(expected);
});

test('is signed for the push service of the device, for less than a day, by the key that is told', async () => {
  const { headers } = encodeMessage(deviceOf(createSubscriptionKeys()), { type: 'test' }, options);
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(headers['Authorization'] ?? '') ?? [];
  expect(key).toBe(vapid.publicKey);
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const publicKey = await importJWK({ kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }, 'ES256');
  const { payload } = await jwtVerify(token, publicKey, { audience: 'https://push.example.com:8443' });
  expect(payload.sub).toBe('mailto:operator@example.org');
  expect(payload.exp).toBeLessThanOrEqual(Date.now() / 1000 + 86_400);
});

test('its length does not tell what it says', () => {
  expect(sizeOf(changedMessage(SINCE, topicsOf(1)))).toBe(sizeOf({ type: 'test' }));
  expect(sizeOf(changedMessage(SINCE, topicsOf(20)))).toBe(sizeOf({ type: 'test' }));
  expect(sizeOf(changedMessage(SINCE, topicsOf(20, 60)))).toBe(
    sizeOf(changedMessage(SINCE, topicsOf(11, 100))),
  );
});

test('is never more than push services take: it names no topics rather than that', () => {
  const keys = createSubscriptionKeys();
  for (const length of [100, 135, 160, 170, 300]) {
    const message = changedMessage(SINCE, topicsOf(20, length));
    const { body } = encodeMessage(deviceOf(keys), message, options);
    expect(body.length).toBeLessThanOrEqual(4096);
    const { topics } = JSON.parse(decryptMessage(body, keys).toString()) as { topics: unknown };
    expect(topics).toEqual(length > 160 ? null : topicsOf(20, length));
  }
});
