import {
  DEVICE_LIMITS,
  DEVICE_PATHS,
  TidewireError,
  devicePageSchema,
  devicePatchSchema,
  deviceSchema,
  deviceTestSchema,
  formatTopic,
  newDeviceSchema,
  pageQuerySchema,
  parseTopic,
  uuidSchema,
  vapidKeySchema,
} from '@tidewire/contract';
import type { Topic } from '@tidewire/contract';
import type { Reader } from '@tidewire/rights';
import { inTransaction, requirePrincipal } from '@tidewire/service-kit';
import type { Clock, HttpServer, Pool, PoolClient, PrincipalContext } from '@tidewire/service-kit';
import { z } from 'zod';
import { toDeviceView } from '../devices/device.ts';
import type { Device } from '../devices/device.ts';
import type { PostToDevice } from '../devices/device-post.ts';
import {
  findDevice,
  listDevices,
  recordTest,
  registerDevice,
  removeDevice,
  removeUnchanged,
  updateDevice,
} from '../devices/device-repository-postgres.ts';
import { describeOutcome } from '../devices/outcome.ts';
import { checkSubscription } from '../devices/subscription.ts';
import type { TargetRules } from '../targets/target-url.ts';
import { readerOf } from './reader-of.ts';

export interface DeviceRoutesOptions extends TargetRules {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'now'>;
  readonly post: PostToDevice;
  /** Of the key pair that messages are signed with. */
  readonly publicKey: () => Promise<string>;
  /** Makes a principal a follower, in the transaction in which its device is registered. */
  readonly follow: (client: PoolClient, principal: string) => Promise<void>;
  /** @throws TidewireError when the reader may not hear of one of them. */
  readonly requireTopics: (reader: Reader, topics: readonly Topic[]) => Promise<void> | void;
}

const params = z.object({ id: uuidSchema });
const path = DEVICE_PATHS.device.replace('{id}', ':id');

/** `/api/push/devices`: everybody manages their own; those of others are not there. */
export function registerDeviceRoutes(app: HttpServer, options: DeviceRoutesOptions): void {
  registerRegistration(app, options);
  registerReads(app, options);
  registerChanges(app, options);
  registerTest(app, options);
  app.get(
    DEVICE_PATHS.vapid,
    { config: { authentication: 'none' }, schema: { response: { 200: vapidKeySchema } } },
    async () => ({ publicKey: await options.publicKey() }),
  );
}

function registerRegistration(
  app: HttpServer,
  { pool, allowPrivate, follow, requireTopics }: DeviceRoutesOptions,
): void {
  app.post(
    DEVICE_PATHS.devices,
    { schema: { body: newDeviceSchema, response: { 200: deviceSchema, 201: deviceSchema } } },
    async (request, reply) => {
      const who = requirePrincipal(request);
      const reader = readerOf(who);
      const { subscription, topics: given, ...settings } = request.body;
      const checked = checkSubscription(subscription, { allowPrivate });
      const topics = readTopics(given);
      await requireTopics(reader, topics);
      const { principalId: principal } = reader;
      const credential = lastingCredential(who);
      const registration = {
        ...settings,
        ...checked,
        topics: topics.map(formatTopic),
        principal,
        credential,
      };
      const { device, isNew } = await inTransaction(pool, {}, async (client) => {
        await follow(client, principal);
        return await registerDevice(client, registration);
      });
      return reply.code(isNew ? 201 : 200).send(toDeviceView(device));
    },
  );
}

function registerReads(app: HttpServer, { pool }: DeviceRoutesOptions): void {
  app.get(
    DEVICE_PATHS.devices,
    { schema: { querystring: pageQuerySchema, response: { 200: devicePageSchema } } },
    async (request) => {
      const { principal } = requirePrincipal(request);
      const { _limit: limit, _offset: offset } = request.query;
      const { results, total } = await listDevices(pool, principal.id, { limit, offset });
      return { results: results.map(toDeviceView), total, limit, offset };
    },
  );
  app.get(path, { schema: { params, response: { 200: deviceSchema } } }, async (request) =>
    toDeviceView(await getDevice(pool, requirePrincipal(request).principal.id, request.params.id)),
  );
}

function registerChanges(app: HttpServer, { pool, requireTopics }: DeviceRoutesOptions): void {
  app.patch(
    path,
    { schema: { params, body: devicePatchSchema, response: { 200: deviceSchema } } },
    async (request) => {
      const reader = readerOf(requirePrincipal(request));
      const { topics: given, ...patch } = request.body;
      const topics = given === undefined ? undefined : readTopics(given);
      // Whose it is comes first: what topics there are is told to nobody by way of another's device.
      const key = { principal: reader.principalId, id: request.params.id };
      await getDevice(pool, key.principal, key.id);
      if (topics !== undefined) await requireTopics(reader, topics);
      const changed = await inTransaction(pool, {}, (client) =>
        updateDevice(client, key, { ...patch, ...(topics && { topics: topics.map(formatTopic) }) }),
      );
      if (changed === undefined) throw notFound();
      return toDeviceView(changed);
    },
  );
  app.delete(path, { schema: { params } }, async (request, reply) => {
    const { principal } = requirePrincipal(request);
    if (!(await removeDevice(pool, principal.id, request.params.id))) throw notFound();
    return reply.code(204).send();
  });
}

function registerTest(app: HttpServer, { pool, clock, post }: DeviceRoutesOptions): void {
  app.post(
    DEVICE_PATHS.test.replace('{id}', ':id'),
    { schema: { params, response: { 200: deviceTestSchema } } },
    async (request) => {
      const { principal } = requirePrincipal(request);
      const device = await getDevice(pool, principal.id, request.params.id);
      // Otherwise somebody else's server could be shot at from here.
      if (!(await recordTest(pool, device.id, clock.now(), DEVICE_LIMITS.testMs))) {
        const retryAfterSeconds = DEVICE_LIMITS.testMs / 1000;
        throw new TidewireError('RATE_LIMITED', 'The device was tested a moment ago.', { retryAfterSeconds });
      }
      const outcome = await post(device, { type: 'test' });
      if (outcome.kind === 'gone') await removeUnchanged(pool, device);
      return describeOutcome(outcome);
    },
  );
}

/**
 * The token with which a device goes; null for what ends sooner than one has a device.
 *
 * @throws TidewireError FORBIDDEN for a limited credential: what changes is found for its principal.
 */
function lastingCredential({ credential }: PrincipalContext): string | null {
  if (credential.scopes !== null) {
    throw new TidewireError('FORBIDDEN', 'A device needs a credential without limits.');
  }
  return credential.type === 'token' ? credential.id : null;
}

/** Each once. The schema has let through what has one of the four forms. */
function readTopics(texts: readonly string[]): readonly Topic[] {
  const topics = texts.flatMap((text) => parseTopic(text) ?? []);
  return [...new Map(topics.map((topic) => [formatTopic(topic), topic])).values()];
}

async function getDevice(pool: Pool, principal: string, id: string): Promise<Device> {
  const device = await findDevice(pool, principal, id);
  if (device === undefined) throw notFound();
  return device;
}

function notFound(): TidewireError {
  return new TidewireError('NOT_FOUND', 'There is no such device.');
}
