import { z } from 'zod';
import { topicFilterSchema } from './client-message.ts';
import { eventIdSchema } from './event-id.ts';
import { uuidSchema } from './identifier.ts';
import { isStorableJson, nameSchema } from './name.ts';
import { pageSchema } from './page.ts';
import { timestampSchema } from './time.ts';
import { topicSchema } from './topic.ts';

/** Bounds of webhooks. Times in milliseconds. */
export const WEBHOOK_LIMITS = Object.freeze({
  perPrincipal: 50,
  topics: 50,
  fields: 100,
  filterCharacters: 8192,
  urlCharacters: 2000,
  headers: 10,
  headerNameCharacters: 64,
  headerValueCharacters: 1024,
  /** How long an endpoint may take to answer. */
  answerMs: 15_000,
  /** Characters of an answer that are kept. */
  answerCharacters: 200,
  /** Before the second attempt; it doubles from there. */
  firstRetryMs: 5_000,
  /** Between two attempts at most, whatever `Retry-After` says. */
  maxRetryMs: 3_600_000,
  /** An event that could not be delivered for so long is passed over. */
  giveUpMs: 86_400_000,
  /** After so many failures in a row the endpoint is only probed. */
  failuresToOpen: 5,
  /** How long the secret before a rotation still signs. */
  secretGraceMs: 86_400_000,
  /** Attempts that are kept of one webhook. */
  deliveries: 1000,
} as const);

/** How an event is put into a request: CloudEvents' HTTP binding, 3.2 and 3.1. */
export const WEBHOOK_MODES = Object.freeze(['structured', 'binary'] as const);
export type WebhookMode = (typeof WEBHOOK_MODES)[number];

/**
 * Headers of a delivery, lower case. The first three are those of Standard Webhooks; `bodySignature` is the HMAC-SHA256 of the
 * body alone in lower-case hex, with the secret's whole text for a key.
 */
export const WEBHOOK_HEADERS = Object.freeze({
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
  bodySignature: 'x-webhook-signature',
} as const);
export const WEBHOOK_USER_AGENT = 'Tidewire-Webhooks';
/** What a secret begins with; base64 of the key follows. */
export const WEBHOOK_SECRET_PREFIX = 'whsec_';

/** Types of what is no event of an object, behind the prefix of all types. */
export const WEBHOOK_EVENT_NAMES = Object.freeze({
  /** Fetch everything again: what follows begins at `data.current`. */
  resync: 'resync',
  test: 'webhook.test',
} as const);

/** Ours, those that belong to one connection, and those that say how long the body is and what it is. */
const REFUSED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  WEBHOOK_HEADERS.bodySignature,
]);
const REFUSED_PREFIXES = ['webhook-', 'ce-', 'proxy-', 'tidewire-', 'x-forwarded-'] as const;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\u0021-\u007e]([\u0020-\u007e]*[\u0021-\u007e])?$/;

/** Whether a header of that name may be set by whoever registers a webhook. */
export function isWebhookHeaderAllowed(name: string): boolean {
  const lower = name.toLowerCase();
  return !REFUSED_HEADERS.has(lower) && !REFUSED_PREFIXES.some((prefix) => lower.startsWith(prefix));
}

const headerNameSchema = z
  .string()
  .min(1)
  .max(WEBHOOK_LIMITS.headerNameCharacters)
  .regex(HEADER_NAME, 'is no name of a header')
  .refine(isWebhookHeaderAllowed, 'may not be set: it belongs to the connection, to the body or to Tidewire');

/** Static headers of a webhook: name -> value. Told by nobody again. */
export const webhookHeadersSchema = z
  .record(
    headerNameSchema,
    z
      .string()
      .max(WEBHOOK_LIMITS.headerValueCharacters)
      .regex(HEADER_VALUE, 'must be visible ASCII, with spaces only in between'),
  )
  .refine(
    (headers) => Object.keys(headers).length <= WEBHOOK_LIMITS.headers,
    `are at most ${WEBHOOK_LIMITS.headers}`,
  )
  .refine(
    (headers) =>
      new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
    'name one header twice',
  );

/** What can be said of an address without looking it up. Whether it may be called is looked at when it is registered. */
const urlSchema = z
  .string()
  .max(WEBHOOK_LIMITS.urlCharacters)
  .refine(
    isWebhookUrl,
    'must be an http or https URL without user, password and fragment: credentials go into `headers`',
  );

/** A filter of topics, small enough to be kept. */
export const webhookFilterSchema = topicFilterSchema
  .refine(
    (filter) => JSON.stringify(filter).length <= WEBHOOK_LIMITS.filterCharacters,
    `has at most ${WEBHOOK_LIMITS.filterCharacters} characters as JSON`,
  )
  .refine(isStorableJson, 'holds NUL or broken Unicode');

const settings = {
  name: nameSchema,
  url: urlSchema,
  topics: z.array(topicSchema).min(1).max(WEBHOOK_LIMITS.topics),
  filter: webhookFilterSchema,
  fields: z
    .array(z.string().min(1).max(200).refine(isStorableJson, 'holds NUL or broken Unicode'))
    .min(1)
    .max(WEBHOOK_LIMITS.fields),
  mode: z.enum(WEBHOOK_MODES),
  headers: webhookHeadersSchema,
  enabled: z.boolean(),
};

/** `POST /api/webhooks`. What is told is what its owner may see, and no more than that matches `filter`. */
export const newWebhookSchema = z.strictObject({
  name: settings.name,
  url: settings.url,
  topics: settings.topics,
  filter: settings.filter.optional(),
  fields: settings.fields.optional(),
  mode: settings.mode.optional(),
  headers: settings.headers.optional(),
  enabled: settings.enabled.optional(),
});
export type NewWebhook = z.infer<typeof newWebhookSchema>;

/** `PATCH /api/webhooks/{id}`: what is absent stays; null takes a filter or a selection of fields away. */
export const webhookPatchSchema = z
  .strictObject({
    name: settings.name.optional(),
    url: settings.url.optional(),
    topics: settings.topics.optional(),
    filter: settings.filter.nullable().optional(),
    fields: settings.fields.nullable().optional(),
    mode: settings.mode.optional(),
    headers: settings.headers.optional(),
    enabled: settings.enabled.optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'names nothing to change');
export type WebhookPatch = z.infer<typeof webhookPatchSchema>;

/** Since it was registered: attempts that succeeded and failed, and events that were passed over. */
export const webhookCountsSchema = z.object({
  delivered: z.int().min(0),
  failed: z.int().min(0),
  dead: z.int().min(0),
});

/** A webhook as its owner sees it: of secret and headers no more than that there are some. */
export const webhookSchema = z.object({
  id: uuidSchema,
  name: z.string(),
  url: z.string(),
  topics: z.array(topicSchema),
  filter: webhookFilterSchema.nullable(),
  fields: z.array(z.string()).nullable(),
  mode: z.enum(WEBHOOK_MODES),
  /** Names of headers that are sent; their values are not told. */
  headers: z.array(z.string()),
  enabled: z.boolean(),
  /** Why it was disabled, where that was not its owner's wish. */
  disabledReason: z.string().nullable(),
  /** Everything up to here was delivered, passed over, or not for its owner. */
  lastEventId: eventIdSchema,
  /** `open`: the endpoint failed several times in a row and is only probed. */
  circuit: z.enum(['closed', 'open']),
  /** Failures since the last success. */
  failures: z.int().min(0),
  /** When the next attempt is due; null: as soon as there is something. */
  nextAttemptAt: timestampSchema.nullable(),
  counts: webhookCountsSchema,
  /** Until when deliveries are signed with the secret before the last rotation, too. */
  previousSecretUntil: timestampSchema.nullable(),
  createdAt: timestampSchema,
});
export type WebhookView = z.infer<typeof webhookSchema>;
export const webhookPageSchema = pageSchema(webhookSchema);

/** A new webhook with its secret, which is in this answer and nowhere else. */
export const createdWebhookSchema = webhookSchema.extend({ secret: z.string() });

/** A new secret; the one before signs beside it until then. */
export const webhookSecretSchema = z.object({ secret: z.string(), previousSecretUntil: timestampSchema });

/** How one attempt ended: `dead` and `gone` ones are not tried again. */
export const WEBHOOK_OUTCOMES = Object.freeze(['delivered', 'failed', 'dead', 'gone'] as const);
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

const attempt = {
  outcome: z.enum(WEBHOOK_OUTCOMES),
  /** The HTTP status of the answer; null: there was none. */
  status: z.int().nullable(),
  /** What happened, in words. */
  message: z.string(),
  /** How the answer's body began. */
  answer: z.string().nullable(),
  durationMs: z.int().min(0),
};

/** What came of a test. */
export const webhookTestSchema = z.object(attempt);
export type WebhookTest = z.infer<typeof webhookTestSchema>;

/** One attempt to deliver something. */
export const webhookDeliverySchema = z.object({
  /** Counts the attempts of this webhook. */
  id: z.int().min(1),
  /** What a client would call the event; another text where it is no event of an object. */
  eventId: z.string(),
  type: z.string(),
  /** The how manieth of this event; 0: asked for by hand. */
  attempt: z.int().min(0),
  at: timestampSchema,
  ...attempt,
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
export const webhookDeliveryPageSchema = pageSchema(webhookDeliverySchema);

// eslint-disable-next-line no-control-regex -- a URL parser drops some of them silently
const SPACE_OR_CONTROL = /[\u0000-\u0020\u007f]/;

function isWebhookUrl(text: string): boolean {
  if (SPACE_OR_CONTROL.test(text) || !text.isWellFormed() || !URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}
