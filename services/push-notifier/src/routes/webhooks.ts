import {
  QUERY_PARAMETERS,
  TidewireError,
  createdWebhookSchema,
  newWebhookSchema,
  pageQuerySchema,
  uuidSchema,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
  webhookPageSchema,
  webhookPatchSchema,
  webhookSchema,
  webhookSecretSchema,
  webhookTestSchema,
} from '@tidewire/contract';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { WebhookOwner } from '../webhooks/webhook.ts';
import type { WebhookRegistry } from '../webhooks/webhook-registry.ts';

const idParameters = z.object({ id: uuidSchema });
const deliveryParameters = z.object({
  id: uuidSchema,
  deliveryId: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});

/** `/api/webhooks`: everybody manages their own. */
export function registerWebhooks(app: HttpServer, registry: WebhookRegistry): void {
  registerCollection(app, registry);
  registerOne(app, registry);
  registerDeliveries(app, registry);
}

function registerCollection(app: HttpServer, registry: WebhookRegistry): void {
  app.post(
    '/api/webhooks',
    { schema: { body: newWebhookSchema, response: { 201: createdWebhookSchema } } },
    async (request, reply) => {
      requireLasting(request);
      return reply.code(201).send(await registry.create(registrantOf(request), request.body));
    },
  );
  app.get(
    '/api/webhooks',
    { schema: { querystring: pageQuerySchema, response: { 200: webhookPageSchema } } },
    async (request) => {
      const page = pageOf(request.query);
      return { ...(await registry.list(ownerOf(request), page)), ...page };
    },
  );
}

function registerOne(app: HttpServer, registry: WebhookRegistry): void {
  app.get(
    '/api/webhooks/:id',
    { schema: { params: idParameters, response: { 200: webhookSchema } } },
    async (request) => await registry.get(ownerOf(request), request.params.id),
  );
  app.patch(
    '/api/webhooks/:id',
    { schema: { params: idParameters, body: webhookPatchSchema, response: { 200: webhookSchema } } },
    async (request) => {
      requireLasting(request);
      return await registry.change(ownerOf(request), request.params.id, request.body);
    },
  );
  app.delete('/api/webhooks/:id', { schema: { params: idParameters } }, async (request, reply) => {
    await registry.remove(ownerOf(request), request.params.id);
    return reply.code(204).send();
  });
  app.post(
    '/api/webhooks/:id/secret',
    { schema: { params: idParameters, response: { 200: webhookSecretSchema } } },
    async (request) => {
      requireLasting(request);
      return await registry.rotate(ownerOf(request), request.params.id);
    },
  );
  app.post(
    '/api/webhooks/:id/test',
    { schema: { params: idParameters, response: { 200: webhookTestSchema } } },
    async (request) => await registry.test(ownerOf(request), request.params.id),
  );
}

function registerDeliveries(app: HttpServer, registry: WebhookRegistry): void {
  app.get(
    '/api/webhooks/:id/deliveries',
    {
      schema: {
        params: idParameters,
        querystring: pageQuerySchema,
        response: { 200: webhookDeliveryPageSchema },
      },
    },
    async (request) => {
      const page = pageOf(request.query);
      const { id } = request.params;
      return { ...(await registry.deliveries(ownerOf(request), id, page)), ...page };
    },
  );
  app.post(
    '/api/webhooks/:id/deliveries/:deliveryId/redeliver',
    { schema: { params: deliveryParameters, response: { 200: webhookDeliverySchema } } },
    async (request) => {
      const { id, deliveryId } = request.params;
      return await registry.redeliver(ownerOf(request), id, deliveryId);
    },
  );
}

/**
 * A limited credential has webhooks of its own, which are limited as it is: it must not be able to lead those of its principal
 * to another address.
 */
function ownerOf(request: HttpRequest): WebhookOwner {
  const { principal, credential } = requirePrincipal(request);
  return { principal: principal.id, credential: credential.scopes === null ? null : credential.id };
}

/** Whose a new webhook is: it goes with the token that registers it, limited or not, but not with a session. */
function registrantOf(request: HttpRequest): WebhookOwner {
  const { principal, credential } = requirePrincipal(request);
  const bound = credential.type === 'token' || credential.scopes !== null;
  return { principal: principal.id, credential: bound ? credential.id : null };
}

/**
 * Who comes with an issuer's access token is here for as long as the issuer says so; a webhook, or what was changed of one,
 * would go on when the issuer had long shut its subject out.
 */
function requireLasting(request: HttpRequest): void {
  const { credential } = requirePrincipal(request);
  if (credential.type !== 'access-token') return;
  throw new TidewireError(
    'FORBIDDEN',
    'An access token registers and changes no webhooks: use a token of your own.',
  );
}

function pageOf(query: z.output<typeof pageQuerySchema>): {
  readonly limit: number;
  readonly offset: number;
} {
  return { limit: query[QUERY_PARAMETERS.limit], offset: query[QUERY_PARAMETERS.offset] };
}
