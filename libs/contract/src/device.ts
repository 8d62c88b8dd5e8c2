import { z } from 'zod';
import { eventIdSchema } from './event-id.ts';
import { uuidSchema } from './identifier.ts';
import { nameSchema } from './name.ts';
import { pageSchema } from './page.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

export const DEVICE_PATHS = Object.freeze({
  devices: '/api/push/devices',
  device: '/api/push/devices/{id}',
  test: '/api/push/devices/{id}/test',
  vapid: '/api/push/vapid',
} as const);

export const DEVICE_LIMITS = Object.freeze({
  /** Devices of one principal. */
  perPrincipal: 50,
  /** Topics of one device. */
  topics: 50,
  /** Characters of an endpoint. */
  endpoint: 2000,
  /** Messages an hour that a device may ask for. */
  perHour: 120,
  /** Those it gets when it does not ask. */
  defaultPerHour: 30,
  /** Topics that a message names; where more changed it names none. */
  messageTopics: 20,
  /** A device is tested once in this time, milliseconds. */
  testMs: 10_000,
} as const);

/** How a device is reached. Both get the same messages, encrypted in the same way (RFC 8291). */
export const deviceKindSchema = z.enum(['web-push', 'unified-push']);
export type DeviceKind = z.infer<typeof deviceKindSchema>;

/**
 * Where messages for a device go, and by which keys they are encrypted: what `PushSubscription.toJSON()` gives in a browser, and
 * what a UnifiedPush distributor gives an app.
 */
export const pushSubscriptionSchema = z.object({
  endpoint: z.string().min(1).max(DEVICE_LIMITS.endpoint),
  expirationTime: z.number().nullable().optional(),
  keys: z.object({
    /** 65 bytes, an uncompressed point of P-256: the first byte is 4. */
    p256dh: z
      .string()
      .regex(
        /^B[A-P][A-Za-z0-9_-]{84}[AEIMQUYcgkosw048]$/,
        'must be an uncompressed point of P-256 (65 bytes) in base64url',
      ),
    auth: z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, 'must be 16 bytes in base64url'),
  }),
});
export type PushSubscription = z.infer<typeof pushSubscriptionSchema>;

const timeOfDaySchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as 22:30');

/** When a device is left in peace, every day; `from` after `until` means over midnight. */
export const quietHoursSchema = z
  .strictObject({
    from: timeOfDaySchema,
    until: timeOfDaySchema,
    timeZone: z.string().max(64).refine(isTimeZone, 'must be the name of a time zone as Europe/Amsterdam'),
  })
  .refine(({ from, until }) => from !== until, 'must not begin and end at the same time');
export type QuietHours = z.infer<typeof quietHoursSchema>;

const settings = {
  /** For its owner to tell it from others. */
  name: nameSchema.nullable(),
  /** What it wants to hear of. */
  topics: z.array(topicSchema).min(1).max(DEVICE_LIMITS.topics),
  quietHours: quietHoursSchema.nullable(),
  /** What changes meanwhile comes with the next message. */
  maxPerHour: z.int().min(1).max(DEVICE_LIMITS.perHour),
};

/** `POST /api/push/devices`. */
export const newDeviceSchema = z.strictObject({
  kind: deviceKindSchema.default('web-push'),
  subscription: pushSubscriptionSchema,
  name: settings.name.default(null),
  topics: settings.topics,
  quietHours: settings.quietHours.default(null),
  maxPerHour: settings.maxPerHour.default(DEVICE_LIMITS.defaultPerHour),
});
export type NewDevice = z.infer<typeof newDeviceSchema>;

/** `PATCH /api/push/devices/{id}`: what is not there stays. */
export const devicePatchSchema = z.strictObject(settings).partial();
export type DevicePatch = z.infer<typeof devicePatchSchema>;

/** A device as its owner sees it. Its endpoint and keys are told to nobody. */
export const deviceSchema = z.object({
  id: uuidSchema,
  kind: deviceKindSchema,
  name: z.string().nullable(),
  /** The host of its endpoint: whose push service it is. */
  host: z.string(),
  topics: z.array(z.string()),
  quietHours: quietHoursSchema.nullable(),
  maxPerHour: z.int(),
  createdAt: timestampSchema,
  /** When its push service took a message last. */
  lastDeliveredAt: timestampSchema.nullable(),
  /** Messages in a row that were given up. */
  failures: z.int().min(0),
});
export type DeviceView = z.infer<typeof deviceSchema>;
export const devicePageSchema = pageSchema(deviceSchema);

/**
 * What came of a message: its push service took it; said that the device is not there any more, whereupon it was removed; refused
 * it; or did not take it now.
 */
export const deviceOutcomeSchema = z.enum(['delivered', 'gone', 'refused', 'failed']);

/** `POST /api/push/devices/{id}/test`. */
export const deviceTestSchema = z.object({
  outcome: deviceOutcomeSchema,
  /** Status of the push service's answer; null when there was none. */
  status: z.int().nullable(),
  /** The same in words. */
  message: z.string(),
});
export type DeviceTest = z.infer<typeof deviceTestSchema>;

/** `GET /api/push/vapid`: what a browser wants as `applicationServerKey` (RFC 8292). */
export const vapidKeySchema = z.object({ publicKey: z.string() });

/**
 * What a device decrypts: that something changed, under which topics, and where to ask what. Never the data: what the reader may
 * see is decided when it asks.
 */
export const deviceMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('changed'),
    /** Everything that this message is about came after it. */
    since: eventIdSchema,
    /** Null: more than are worth naming. */
    topics: z.array(z.string()).max(DEVICE_LIMITS.messageTopics).nullable(),
    /** Where to ask, on the origin that the device was registered at. */
    changes: z.string(),
  }),
  z.object({ type: z.literal('test') }),
]);
export type DeviceMessage = z.infer<typeof deviceMessageSchema>;

function isTimeZone(name: string): boolean {
  // Offsets ("+02:00") are time zones to some engines, and no names.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}
