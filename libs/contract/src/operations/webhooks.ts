import { z } from 'zod';
import { uuidSchema } from '../identifier.ts';
import {
  createdWebhookSchema,
  newWebhookSchema,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
  webhookPageSchema,
  webhookPatchSchema,
  webhookSchema,
  webhookSecretSchema,
  webhookTestSchema,
} from '../webhook.ts';
import { pageExample } from './example.ts';
import type { Operation, OperationParameter } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const shared = { service: 'push-notifier', tag: 'push', authentication: 'required' } as const;

const id = {
  name: 'id',
  in: 'path',
  schema: uuidSchema,
  description: 'Id of the webhook.',
  example: '2f6d1c9e-8a47-4b0f-9c3d-5e7a1b2c3d4e',
} as const satisfies OperationParameter;

const deliveryId = {
  name: 'deliveryId',
  in: 'path',
  schema: z.coerce.number().int().min(1),
  description: 'Id of the delivery in the log of the webhook.',
  example: 42,
} as const satisfies OperationParameter;

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1n0d2bC4e6g=';

const WEBHOOK = {
  id: id.example,
  name: 'case system',
  url: 'https://cases.example.org/hooks/tidewire',
  topics: ['register/meldingen-register/schema/meldingen'],
  filter: { status: 'nieuw' },
  fields: null,
  mode: 'structured',
  headers: ['authorization'],
  enabled: true,
  disabledReason: null,
  lastEventId: 'evt-0mfz2k1a-000000000042',
  circuit: 'closed',
  failures: 0,
  nextAttemptAt: null,
  counts: { delivered: 41, failed: 2, dead: 0 },
  previousSecretUntil: null,
  createdAt: '2026-03-21T11:00:00.000Z',
};

const ATTEMPT = {
  outcome: 'delivered',
  status: 204,
  message: 'The endpoint answered 204.',
  answer: '',
  durationMs: 38,
};

const DELIVERY = {
  id: deliveryId.example,
  eventId: 'evt-0mfz2k1a-000000000042',
  type: 'nl.conduction.openregister.object.created',
  attempt: 1,
  at: '2026-03-21T11:30:00.000Z',
  ...ATTEMPT,
};

/** `/api/webhooks`: events as HTTP requests to servers of others. */
export const WEBHOOK_OPERATIONS = [
  {
    ...shared,
    id: 'createWebhook',
    method: 'POST',
    path: '/api/webhooks',
    summary: 'Register a webhook',
    description:
      'From here on each event of the topics that the caller may see is posted to the URL as a CloudEvent, in order, until ' +
      'the endpoint answers with 2xx. A limited credential registers a webhook that is limited alike and ends with it. ' +
      'Headers are for credentials of the endpoint; nobody can read their values again. A principal has at most 50 webhooks.',
    body: {
      schema: newWebhookSchema,
      example: {
        name: WEBHOOK.name,
        url: WEBHOOK.url,
        topics: WEBHOOK.topics,
        filter: WEBHOOK.filter,
        headers: { Authorization: 'Bearer of-the-case-system' },
      },
    },
    answers: {
      201: {
        description:
          'The webhook, with the secret that signs its deliveries: it is in this answer and nowhere else.',
        schema: createdWebhookSchema,
        example: { ...WEBHOOK, counts: { delivered: 0, failed: 0, dead: 0 }, secret: SECRET },
      },
    },
    errors: [
      'MALFORMED_TOPIC',
      'MALFORMED_FILTER',
      'UNKNOWN_FIELD',
      'FORBIDDEN',
      'NOT_FOUND',
      'CONFLICT',
      'RATE_LIMITED',
    ],
  },
  {
    ...shared,
    id: 'listWebhooks',
    method: 'GET',
    path: '/api/webhooks',
    summary: 'List webhooks',
    description: "The caller's own, the newest first; with a limited credential those that it registered.",
    parameters: [PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: { description: 'A page of webhooks.', schema: webhookPageSchema, example: pageExample(WEBHOOK) },
    },
  },
  {
    ...shared,
    id: 'getWebhook',
    method: 'GET',
    path: '/api/webhooks/{id}',
    summary: 'Get a webhook',
    parameters: [id],
    answers: {
      200: { description: 'The webhook and how it is doing.', schema: webhookSchema, example: WEBHOOK },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'updateWebhook',
    method: 'PATCH',
    path: '/api/webhooks/{id}',
    summary: 'Change a webhook',
    description:
      'What is absent stays. `headers` replaces all of them. Another URL, and `enabled: true`, have it tried at once. It goes ' +
      'on from where it was, so what happened while it was disabled is delivered late, as far as the log remembers it.',
    parameters: [id],
    body: { schema: webhookPatchSchema, example: { enabled: false } },
    answers: {
      200: { description: 'The webhook.', schema: webhookSchema, example: { ...WEBHOOK, enabled: false } },
    },
    errors: [
      'MALFORMED_TOPIC',
      'MALFORMED_FILTER',
      'UNKNOWN_FIELD',
      'FORBIDDEN',
      'NOT_FOUND',
      'RATE_LIMITED',
    ],
  },
  {
    ...shared,
    id: 'deleteWebhook',
    method: 'DELETE',
    path: '/api/webhooks/{id}',
    summary: 'Delete a webhook',
    description: 'With its log. What is on its way still arrives; nothing is sent after that.',
    parameters: [id],
    answers: { 204: { description: 'It is deleted.' } },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'rotateWebhookSecret',
    method: 'POST',
    path: '/api/webhooks/{id}/secret',
    summary: 'Make a new secret',
    description:
      'For 24 hours deliveries have two signatures, by the new secret and by the one before. `X-Webhook-Signature` is by the ' +
      'new one alone.',
    parameters: [id],
    answers: {
      200: {
        description: 'The secret: it is in this answer and nowhere else.',
        schema: webhookSecretSchema,
        example: { secret: SECRET, previousSecretUntil: '2026-03-22T11:30:00.000Z' },
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'testWebhook',
    method: 'POST',
    path: '/api/webhooks/{id}/test',
    summary: 'Send a test event',
    description:
      'One CloudEvent of the type `…webhook.test`, now, whatever the state of the webhook, and once.',
    parameters: [id],
    answers: { 200: { description: 'What came of it.', schema: webhookTestSchema, example: ATTEMPT } },
    errors: ['NOT_FOUND', 'RATE_LIMITED'],
  },
  {
    ...shared,
    id: 'listWebhookDeliveries',
    method: 'GET',
    path: '/api/webhooks/{id}/deliveries',
    summary: 'List the attempts of a webhook',
    description:
      'The newest first; the last 1000 are kept. What was sent is not: it is read from the log anew each time.',
    parameters: [id, PARAMETERS.limit, PARAMETERS.offset],
    answers: {
      200: {
        description: 'A page of attempts.',
        schema: webhookDeliveryPageSchema,
        example: pageExample(DELIVERY),
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    id: 'redeliverWebhook',
    method: 'POST',
    path: '/api/webhooks/{id}/deliveries/{deliveryId}/redeliver',
    summary: 'Deliver an event again',
    description:
      'Now, once, as its owner may see it now. `NOT_FOUND`: there is no such delivery of an event, or its owner may not see ' +
      'the event any more. `GONE`: the log does not remember it, or rights have changed since, so that it cannot be told.',
    parameters: [id, deliveryId],
    answers: {
      200: {
        description: 'The new attempt.',
        schema: webhookDeliverySchema,
        example: { ...DELIVERY, id: 43, attempt: 0 },
      },
    },
    errors: ['NOT_FOUND', 'GONE', 'RATE_LIMITED'],
  },
] as const satisfies readonly Operation[];
