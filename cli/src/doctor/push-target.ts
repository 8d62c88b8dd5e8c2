import { PUSH_PATHS } from '@tidewire/contract';
import { askHttp } from './http-probe.ts';
import type { HttpAnswer, HttpRequest } from './http-probe.ts';

/** Who the checks act as. */
export type PushCredential =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'password'; readonly user: string; readonly password: string };

/** The installation that is looked at, from outside, as somebody. */
export interface PushTarget {
  readonly origin: string;
  readonly credential: PushCredential;
}

/** Where clients of notify_push go. */
export interface PushEndpoints {
  readonly websocket: string;
  readonly pre_auth: string;
}

/** The endpoints as they are on an origin that is right. */
export function endpointsOf(origin: string): PushEndpoints {
  return {
    websocket: `${origin.replace(/^http/, 'ws')}${PUSH_PATHS.socket}`,
    pre_auth: `${origin}${PUSH_PATHS.preAuth}`,
  };
}

/** Sends a request with the credential, to this origin only. */
export async function askPush(
  { origin, credential }: PushTarget,
  path: string,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const headers = {
    ...request.headers,
    'OCS-APIRequest': 'true',
    'authorization': authorizationOf(credential),
  };
  return await askHttp(new URL(path, origin).href, { ...request, headers });
}

function authorizationOf(credential: PushCredential): string {
  if (credential.type === 'token') return `Bearer ${credential.token}`;
  const pair = `${credential.user}:${credential.password}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
