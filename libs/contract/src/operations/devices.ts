import {
  DEVICE_PATHS,
  devicePageSchema,
  devicePatchSchema,
  deviceSchema,
  deviceTestSchema,
  newDeviceSchema,
  vapidKeySchema,
} from '../device.ts';
import { uuidSchema } from '../identifier.ts';
import { pageExample } from './example.ts';
import type { Operation, OperationParameter } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'push-notifier', tag: 'push', authentication: 'required' } as const;

const id = {
  name: 'id',
  in: 'path',
  schema: uuidSchema,
  description: 'Id of the device.',
  example: '5d0a6e0e-7a5c-4f0e-9c58-0f6f3d1b2a44',
} as const satisfies OperationParameter;

const settings = {
  name: 'Firefox at work',
  topics: ['register/meldingen-register/schema/meldingen'],
  quietHours: { from: '22:00', until: '07:00', timeZone: 'Europe/Amsterdam' },
  maxPerHour: 30,
};
const device = {
  id: id.example,
  kind: 'web-push',
  ...settings,
  host: 'updates.push.services.mozilla.com',
  createdAt: '2026-03-21T11:00:00.000Z',
  lastDeliveredAt: '2026-03-21T11:30:00.000Z',
  failures: 0,
};
const subscription = {
  endpoint: 'https://updates.push.services.mozilla.com/wpush/v2/gAAAAABn',
  expirationTime: null,
  keys: {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  },
};

/** `/api/push/devices` and `/api/push/vapid`. */
export const DEVICE_OPERATIONS = [
  {
    ...shared,
    id: 'registerDevice',
    method: 'POST',
    path: DEVICE_PATHS.devices,
    summary: 'Register a device',
    description:
      'A browser or an app that is told that something changed, while nobody is connected: by Web Push or UnifiedPush, encrypted ' +
      'for it alone, and never what changed. What is told is judged anew each time by the credential of this request: a device ' +
      'goes when its credential ends. Registering the same endpoint again replaces what was registered.',
    body: { schema: newDeviceSchema, example: { kind: 'web-push', subscription, ...settings } },
    answers: {
      200: { description: 'The device, which was registered before.', schema: deviceSchema, example: device },
      201: { description: 'The device.', schema: deviceSchema, example: device },
    },
    errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'],
  },
  {
    ...shared,
    id: 'listDevices',
    method: 'GET',
    path: DEVICE_PATHS.devices,
    summary: 'List own devices',
    parameters: [PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: { description: 'A page of devices.', schema: devicePageSchema, example: pageExample(device) },
    },
  },
  {
    ...shared,
    id: 'getDevice',
    method: 'GET',
    path: DEVICE_PATHS.device,
    summary: 'Get a device',
    parameters: [id],
    answers: { 200: { description: 'The device.', schema: deviceSchema, example: device } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'updateDevice',
    method: 'PATCH',
    path: DEVICE_PATHS.device,
    summary: 'Change what a device is told, and when',
    description: 'Members that are not there stay as they are.',
    parameters: [id],
    body: { schema: devicePatchSchema, example: { topics: settings.topics, maxPerHour: 6 } },
    answers: { 200: { description: 'The device.', schema: deviceSchema, example: device } },
    errors: ['FORBIDDEN', 'NOT_FOUND'],
  },
  {
    ...shared,
    id: 'removeDevice',
    method: 'DELETE',
    path: DEVICE_PATHS.device,
    summary: 'Remove a device',
    parameters: [id],
    answers: { 204: { description: 'It is told nothing any more.' } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'testDevice',
    method: 'POST',
    path: DEVICE_PATHS.test,
    summary: 'Send a device a message now',
    description: 'Says what its push service answered. Once in ten seconds for each device.',
    parameters: [id],
    answers: {
      200: {
        description: 'What came of it.',
        schema: deviceTestSchema,
        example: { outcome: 'delivered', status: 201, message: 'The push service took the message (201).' },
      },
    },
    errors: ['NOT_FOUND', 'RATE_LIMITED'],
  },
  {
    ...shared,
    authentication: 'none',
    id: 'getVapidKey',
    method: 'GET',
    path: DEVICE_PATHS.vapid,
    summary: 'The public key of this server',
    description: 'What a browser wants as `applicationServerKey` when it subscribes (RFC 8292).',
    answers: {
      200: {
        description: 'The key: an uncompressed point of P-256 in base64url.',
        schema: vapidKeySchema,
        example: { publicKey: subscription.keys.p256dh },
      },
    },
  },
] as const satisfies readonly Operation[];
