import {
  NEXTCLOUD_PATH,
  TidewireError,
  newNextcloudUserSchema,
  nextcloudUserSchema,
  principalIdSchema,
} from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isAdministrator } from '@tidewire/rights';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { NextcloudUsers } from '../nextcloud/nextcloud-users.ts';
import { readerOf } from './reader-of.ts';

export interface NextcloudRouteOptions {
  /** Undefined: this installation passes nothing on to a Nextcloud. */
  readonly users: NextcloudUsers | undefined;
  readonly view: () => RightsView;
}

const params = z.object({ principal: principalIdSchema });
const path = NEXTCLOUD_PATH.replace('{principal}', ':principal');

/** `/api/push/nextcloud/{principal}`: whom in the Nextcloud a principal is; one's own, or anybody's for an administrator. */
export function registerNextcloudRoutes(app: HttpServer, { users, view }: NextcloudRouteOptions): void {
  const allowed = (request: HttpRequest, principal: string): NextcloudUsers => {
    requireSelfOrAdmin(view(), request, principal);
    if (users === undefined) throw absent();
    return users;
  };
  const one = { params, response: { 200: nextcloudUserSchema } };

  app.get(path, { schema: one }, async (request) => {
    const { principal } = request.params;
    const found = await allowed(request, principal).find(principal);
    if (found === undefined) throw absent();
    return found;
  });

  const body = newNextcloudUserSchema.nullish();
  app.put(path, { schema: { ...one, body } }, async (request) => {
    const { principal } = request.params;
    const known = allowed(request, principal);
    requireLasting(request);
    const wanted = { principal, user: request.body?.user ?? principal };
    requireOwnName(view(), request, wanted.user);
    await known.switchOn(wanted);
    return wanted;
  });

  app.delete(path, { schema: { params } }, async (request, reply) => {
    const { principal } = request.params;
    if (!(await allowed(request, principal).switchOff(principal))) throw absent();
    return await reply.code(204).send();
  });
}

/** Whether another principal exists is nothing for somebody who is no administrator. */
function requireSelfOrAdmin(view: RightsView, request: HttpRequest, wanted: string): void {
  const context = requirePrincipal(request);
  const { scopes } = context.credential;
  // It would have told everything that its principal may see, to whomever it names.
  if (scopes?.actions !== undefined || scopes?.topics !== undefined) {
    throw new TidewireError('FORBIDDEN', 'This credential is limited and may not do this.');
  }
  if (context.principal.id !== wanted && !isAdministrator(view, readerOf(context))) throw absent();
}

/** Names there need not be those here: who is who only an administrator can say. */
function requireOwnName(view: RightsView, request: HttpRequest, user: string): void {
  const context = requirePrincipal(request);
  if (context.principal.id === user || isAdministrator(view, readerOf(context))) return;
  throw new TidewireError('FORBIDDEN', 'Another name than your own is given by an administrator.');
}

/** It would go on when the issuer had long shut its subject out. */
function requireLasting(request: HttpRequest): void {
  if (requirePrincipal(request).credential.type !== 'access-token') return;
  throw new TidewireError('FORBIDDEN', 'Not with an access token: use a token of your own.');
}

function absent(): TidewireError {
  return new TidewireError('NOT_FOUND', 'Nobody in a Nextcloud is told for this principal.');
}
