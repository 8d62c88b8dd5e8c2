import { z } from 'zod';
import { PUSH_PATHS, capabilitiesSchema, preAuthTokenSchema } from '../push.ts';
import type { Capabilities } from '../push.ts';
import type { Operation } from './operation.ts';

const shared = { service: 'push-notifier', tag: 'push' } as const;

const CAPABILITIES: Capabilities = {
  ocs: {
    meta: { status: 'ok', statuscode: 200, message: 'OK' },
    data: {
      version: {},
      capabilities: {
        notify_push: {
          type: ['notifications'],
          endpoints: {
            websocket: `wss://tidewire.example${PUSH_PATHS.socket}`,
            pre_auth: `https://tidewire.example${PUSH_PATHS.preAuth}`,
          },
        },
      },
    },
  },
};

/** Nextcloud's notify_push, for clients that know it: where it is, how to get in, and its WebSocket. */
export const PUSH_OPERATIONS = [
  {
    ...shared,
    id: 'getCapabilities',
    method: 'GET',
    path: PUSH_PATHS.capabilities,
    authentication: 'optional',
    summary: 'Find notify_push',
    description:
      'As Nextcloud’s clients ask: always in JSON, in the envelope of OCS. Without a credential there is no `notify_push` in it.',
    parameters: [
      {
        name: 'format',
        in: 'query',
        schema: z.string(),
        description: 'Clients send `json`; the answer is JSON whatever it says.',
        example: 'json',
      },
    ],
    answers: {
      200: {
        description: 'What there is for the caller.',
        schema: capabilitiesSchema,
        example: CAPABILITIES,
      },
    },
  },
  {
    ...shared,
    id: 'createPreAuthToken',
    method: 'POST',
    path: PUSH_PATHS.preAuth,
    authentication: 'required',
    summary: 'Get a token for the WebSocket of notify_push',
    description:
      'For pages, which have a session and no password: the token stands for the credential of this request, once and within 15 ' +
      'seconds. On the socket, send an empty message and then the token.',
    answers: {
      200: {
        description: 'The token.',
        mediaType: 'text/plain',
        schema: preAuthTokenSchema,
        example: 'QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb',
      },
    },
  },
  {
    ...shared,
    id: 'openPushSocket',
    method: 'GET',
    path: PUSH_PATHS.socket,
    authentication: 'none',
    summary: 'Open the WebSocket of notify_push',
    description:
      'Send two messages, a user name and a password or an empty one and a pre-auth token. `authenticated` is answered, then ' +
      'follows that something changed, never what: `notify_notification`, and `or-object-{uuid}` and ' +
      '`or-collection-{register}-{schema}` with a JSON body behind a space. Without an upgrade it is refused.',
    answers: { 101: { description: 'The socket. It lasts until one side ends it.' } },
    errors: ['TOO_MANY_CONNECTIONS'],
  },
] as const satisfies readonly Operation[];
