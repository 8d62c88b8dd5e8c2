import { PUSH_PATHS, TidewireError, parseEventId, pushChangesSchema } from '@tidewire/contract';
import type { LogPosition } from '@tidewire/contract';
import { parseInput, requirePrincipal } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { ChangeReader } from '../changes/change-reader.ts';
import { readerOf } from './reader-of.ts';

const querySchema = z.strictObject({ since: z.string().optional(), token: z.string().optional() });

/** `GET /api/push/changes`: what changed since the caller asked the last time. */
export function registerChangesRoute(app: HttpServer, changes: ChangeReader): void {
  app.get(PUSH_PATHS.changes, {
    schema: { response: { 200: pushChangesSchema } },
    handler: async (request) => {
      const reader = readerOf(requirePrincipal(request));
      const { since } = parseInput(querySchema, request.query, 'query');
      return await changes.read(reader, since === undefined ? undefined : parsePosition(since));
    },
  });
}

/** @throws TidewireError BAD_REQUEST */
function parsePosition(text: string): LogPosition {
  const position = parseEventId(text);
  if (position !== undefined) return position;
  const message = '`since` is the `lastEventId` of the answer before';
  throw new TidewireError('BAD_REQUEST', message, { errors: [{ field: 'since', message }] });
}
