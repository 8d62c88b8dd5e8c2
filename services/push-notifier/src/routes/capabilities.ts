import { PUSH_PATHS, capabilitiesSchema } from '@tidewire/contract';
import type { Capabilities, NotifyPushCapability } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { ocsAnswer } from './ocs.ts';

export interface CapabilitiesRouteOptions {
  /** Where clients reach this installation. */
  readonly publicUrl: string;
}

/** `GET /ocs/v2.php/cloud/capabilities`: where clients of notify_push find it. For those who may not use it, nothing. */
export function registerCapabilitiesRoute(app: HttpServer, { publicUrl }: CapabilitiesRouteOptions): void {
  const known: Capabilities = describe({ notify_push: describePush(publicUrl) });
  const unknown: Capabilities = describe({});
  app.get(PUSH_PATHS.capabilities, {
    config: { authentication: 'optional' },
    schema: { response: { 200: capabilitiesSchema } },
    handler: async (request) => (request.principal === null ? unknown : known),
  });
}

function describe(capabilities: Capabilities['ocs']['data']['capabilities']): Capabilities {
  return ocsAnswer({ version: {}, capabilities });
}

/** Desktop clients do for each kind of hint what it stands for: there are none of files and activities here. */
function describePush(publicUrl: string): NotifyPushCapability {
  const base = publicUrl.replace(/\/+$/, '');
  return {
    type: ['notifications'],
    endpoints: {
      // `http` to `ws`, `https` to `wss`
      websocket: `${base.replace(/^http/i, 'ws')}${PUSH_PATHS.socket}`,
      pre_auth: `${base}${PUSH_PATHS.preAuth}`,
    },
  };
}
