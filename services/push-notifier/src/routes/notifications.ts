import {
  PUSH_PATHS,
  TidewireError,
  notificationAnswerSchema,
  notificationListSchema,
  ocsDoneSchema,
} from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { requirePrincipal } from '@tidewire/service-kit';
import type { HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { ChangeReader } from '../changes/change-reader.ts';
import { formatEtag, formatNotification } from '../notifications/notification.ts';
import { ocsAnswer } from './ocs.ts';
import { readerOf } from './reader-of.ts';

export interface NotificationRouteOptions {
  readonly changes: ChangeReader;
  readonly view: () => RightsView;
  readonly publicUrl: string;
}

const parametersSchema = z.object({ id: z.string().regex(/^[1-9]\d{0,15}$/) });

/** Nextcloud's notifications: one for each topic under which something changed, until it is dealt with. */
export function registerNotificationRoutes(app: HttpServer, options: NotificationRouteOptions): void {
  const { changes, view, publicUrl } = options;
  const path = PUSH_PATHS.notifications;
  const format = (request: HttpRequest) => {
    const { principal } = requirePrincipal(request);
    const around = { user: principal.id, publicUrl, view: view() };
    return (change: Parameters<typeof formatNotification>[0]) => formatNotification(change, around);
  };

  app.get(
    path,
    { schema: { response: { 200: notificationListSchema, 304: z.undefined() } } },
    async (request, reply) => {
      const who = requirePrincipal(request);
      const found = await changes.readNotifications(readerOf(who));
      const etag = formatEtag(who.principal.id, found);
      void reply.header('etag', etag);
      if (request.headers['if-none-match'] === etag) return await reply.code(304).send(undefined);
      return ocsAnswer(found.map(format(request)));
    },
  );

  const one = { params: parametersSchema, response: { 200: notificationAnswerSchema } };
  app.get(`${path}/:id`, { schema: one }, async (request) => {
    const { id } = request.params;
    const found = await changes.readNotifications(readerOf(requirePrincipal(request)));
    const wanted = found.find(({ notification }) => notification === id);
    if (wanted === undefined) throw absent();
    return ocsAnswer(format(request)(wanted));
  });

  const done = { response: { 200: ocsDoneSchema } };
  app.delete(`${path}/:id`, { schema: { ...done, params: parametersSchema } }, async (request) => {
    const reader = readerOf(requirePrincipal(request));
    if (!(await changes.dismiss(reader, request.params.id))) throw absent();
    return ocsAnswer([]);
  });

  app.delete(path, { schema: done }, async (request) => {
    await changes.dismiss(readerOf(requirePrincipal(request)), null);
    return ocsAnswer([]);
  });
}

function absent(): TidewireError {
  return new TidewireError('NOT_FOUND', 'There is no such notification');
}
