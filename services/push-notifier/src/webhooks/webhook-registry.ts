import { randomUUID } from 'node:crypto';
import {
  TidewireError,
  WEBHOOK_LIMITS,
  formatEventId,
  formatTimestamp,
  parseEventId,
} from '@tidewire/contract';
import type {
  LogPosition,
  NewWebhook,
  WebhookDelivery,
  WebhookPatch,
  WebhookTest,
  WebhookView,
} from '@tidewire/contract';
import type { FeedSource } from '@tidewire/messaging';
import type { Clock, Pool } from '@tidewire/service-kit';
import type { TargetClient } from '../targets/target-client.ts';
import { hostOf } from '../targets/target-url.ts';
import { attemptDelivery } from './attempt.ts';
import { lineOf } from './delivery.ts';
import type { DeliveryPlaces } from './delivery-places.ts';
import { findDelivery, listDeliveries, logByHand } from './delivery-repository-postgres.ts';
import { createSecret } from './signature.ts';
import type { Follows, HeldWebhook, WebhookOwner } from './webhook.ts';
import { testEvent } from './webhook-event.ts';
import type { EventSettings, WebhookEvent } from './webhook-event.ts';
import { askFeed, findPosition } from './webhook-feed.ts';
import {
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  rotateSecret,
  updateWebhook,
} from './webhook-repository-postgres.ts';
import type { PageOf, StoredWebhook } from './webhook-repository-postgres.ts';

export interface WebhookRegistryOptions {
  readonly pool: Pool;
  /** Undefined: not connected to the gateways' NATS yet. */
  readonly source: () => FeedSource | undefined;
  readonly targets: TargetClient;
  /** @throws TidewireError VALIDATION_ERROR for a URL that may not be called. */
  readonly checkUrl: (url: string) => void;
  readonly places: DeliveryPlaces;
  readonly events: EventSettings;
  readonly clock: Clock;
  /** Told when there may be something to deliver. */
  readonly onChanged: () => void;
}

interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** What owners do with their webhooks. Another one's look like one that is not there. */
export class WebhookRegistry {
  readonly #options: WebhookRegistryOptions;

  constructor(options: WebhookRegistryOptions) {
    this.#options = options;
  }

  /**
   * Registers a webhook. Its events are those that happen from here on: the gateway says where that is, and whether there is
   * what is to be followed.
   *
   * @throws TidewireError VALIDATION_ERROR, NOT_FOUND, UNKNOWN_FIELD and the like; CONFLICT; SERVICE_UNAVAILABLE.
   */
  async create(owner: WebhookOwner, given: NewWebhook): Promise<WebhookView & { readonly secret: string }> {
    const { pool, checkUrl, clock, onChanged } = this.#options;
    const { name, url, topics, filter = null, fields = null, mode = 'structured', enabled = true } = given;
    checkUrl(url);
    const settings = { ...owner, name, url, topics, filter, fields, mode, enabled };
    const cursor = await this.#positionOf(settings);
    const secret = createSecret();
    const { view } = await insertWebhook(pool, {
      ...settings,
      id: randomUUID(),
      headers: lowered(given.headers ?? {}),
      secret,
      cursor,
      nowMs: clock.now(),
    });
    onChanged();
    return { ...view, secret };
  }

  async list(owner: WebhookOwner, page: Page): Promise<PageOf<WebhookView>> {
    return await listWebhooks(this.#options.pool, owner, page, this.#options.clock.now());
  }

  /** @throws TidewireError NOT_FOUND */
  async get(owner: WebhookOwner, id: string): Promise<WebhookView> {
    return (await this.#require(owner, id)).view;
  }

  /** @throws TidewireError as {@link create} does; CONFLICT when somebody else changed it at the same time. */
  async change(owner: WebhookOwner, id: string, patch: WebhookPatch): Promise<WebhookView> {
    const { pool, checkUrl, clock, onChanged } = this.#options;
    const { webhook, view } = await this.#require(owner, id);
    const { filter, fields, headers } = patch;
    const settings = {
      name: patch.name ?? webhook.name,
      url: patch.url ?? webhook.url,
      topics: patch.topics ?? webhook.topics,
      filter: filter === undefined ? webhook.filter : filter,
      fields: fields === undefined ? webhook.fields : fields,
      mode: patch.mode ?? webhook.mode,
      headers: headers === undefined ? webhook.headers : lowered(headers),
      enabled: patch.enabled ?? view.enabled,
    };
    if (patch.url !== undefined) checkUrl(patch.url);
    const asksForOthers = patch.topics !== undefined || filter !== undefined || fields !== undefined;
    if (asksForOthers) await this.#positionOf({ ...webhook, ...settings });
    const restart = patch.enabled === true || settings.url !== webhook.url;
    const stored = await updateWebhook(pool, webhook, { ...settings, restart }, clock.now());
    if (stored === undefined) {
      await this.#require(owner, id);
      throw new TidewireError('CONFLICT', 'Somebody else changed it at the same time.');
    }
    onChanged();
    return stored.view;
  }

  /** @throws TidewireError NOT_FOUND */
  async remove(owner: WebhookOwner, id: string): Promise<void> {
    if (!(await deleteWebhook(this.#options.pool, owner, id))) throw notFound();
  }

  /** @throws TidewireError NOT_FOUND */
  async rotate(
    owner: WebhookOwner,
    id: string,
  ): Promise<{ readonly secret: string; readonly previousSecretUntil: string }> {
    const { pool, clock } = this.#options;
    const secret = createSecret();
    const untilMs = clock.now() + WEBHOOK_LIMITS.secretGraceMs;
    if (!(await rotateSecret(pool, owner, id, { secret, untilMs }))) throw notFound();
    return { secret, previousSecretUntil: formatTimestamp(untilMs) };
  }

  /** @throws TidewireError NOT_FOUND, RATE_LIMITED */
  async test(owner: WebhookOwner, id: string): Promise<WebhookTest> {
    const { events, clock } = this.#options;
    const { webhook } = await this.#require(owner, id);
    const event = testEvent(events, webhook, clock.now());
    const { outcome, status, message, answer, durationMs } = await this.#atOnce(webhook, async () => event);
    return { outcome, status, message, answer, durationMs };
  }

  /** @throws TidewireError NOT_FOUND */
  async deliveries(owner: WebhookOwner, id: string, page: Page): Promise<PageOf<WebhookDelivery>> {
    await this.#require(owner, id);
    return await listDeliveries(this.#options.pool, id, page);
  }

  /**
   * Delivers an event again, as its owner may see it now. Nothing moves: what is to be delivered anyway still is.
   *
   * @throws TidewireError NOT_FOUND, GONE, RATE_LIMITED, SERVICE_UNAVAILABLE
   */
  async redeliver(owner: WebhookOwner, id: string, number: number): Promise<WebhookDelivery> {
    const { webhook } = await this.#require(owner, id);
    const delivery = await findDelivery(this.#options.pool, id, number);
    const position = delivery && parseEventId(delivery.eventId);
    if (position === undefined) {
      throw new TidewireError('NOT_FOUND', 'There is no delivery of an event of that id.');
    }
    return await this.#atOnce(webhook, () => this.#readAgain(webhook, position));
  }

  async #readAgain(webhook: HeldWebhook, position: LogPosition): Promise<WebhookEvent> {
    const { epoch, sequence } = position;
    const asking = { ...webhook, cursor: { epoch, sequence: sequence - 1 } };
    const answer = await askFeed(this.#source(), asking, position);
    if (answer.kind === 'resync') {
      throw new TidewireError(
        'GONE',
        'The event cannot be told any more: the log has forgotten it, or rights have changed since.',
      );
    }
    if (answer.kind === 'event' && answer.event.id === formatEventId(position)) return answer.event;
    throw new TidewireError('NOT_FOUND', 'The event is not to be told to the owner of the webhook any more.');
  }

  /** One request besides those that are due: whoever has too many of them on their way waits for none. */
  async #atOnce(webhook: HeldWebhook, find: () => Promise<WebhookEvent>): Promise<WebhookDelivery> {
    const { pool, places } = this.#options;
    const place = places.take({ host: hostOf(new URL(webhook.url)), principal: webhook.principal });
    if (place === undefined) {
      throw new TidewireError('RATE_LIMITED', 'Too many deliveries are on their way at once.', {
        retryAfterSeconds: 1,
      });
    }
    try {
      const event = await find();
      const attempt = await attemptDelivery(this.#options, webhook, event, NEVER);
      const logged = await logByHand(pool, webhook.id, lineOf(event, attempt, 0));
      if (logged === undefined) throw notFound();
      return logged;
    } finally {
      place();
    }
  }

  async #require(owner: WebhookOwner, id: string): Promise<StoredWebhook> {
    const stored = await findWebhook(this.#options.pool, owner, id, this.#options.clock.now());
    if (stored === undefined) throw notFound();
    return stored;
  }

  async #positionOf(asking: WebhookOwner & Follows): Promise<LogPosition> {
    const { principal, credential, topics, filter, fields } = asking;
    try {
      return await findPosition(this.#source(), { principal, credential, topics, filter, fields });
    } catch (error) {
      throw error instanceof TidewireError ? withField(error, asking) : error;
    }
  }

  #source(): FeedSource {
    const source = this.#options.source();
    if (source !== undefined) return source;
    throw new TidewireError('SERVICE_UNAVAILABLE', 'Events cannot be read at the moment.', {
      retryAfterSeconds: 1,
    });
  }
}

const NEVER = new AbortController().signal;

function notFound(): TidewireError {
  return new TidewireError('NOT_FOUND', 'Not found.');
}

/** Names of headers mean the same in any case. */
function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Says which member of a registration it is that a gateway refuses. */
function withField(error: TidewireError, asking: Follows): TidewireError {
  const { code, message, errors } = error;
  const [known] = errors.map(({ field }) => field);
  const field = code === 'UNKNOWN_FIELD' && known !== undefined ? placeOf(known, asking) : FIELDS.get(code);
  if (field === undefined) return error;
  return new TidewireError(code, message, { errors: [{ field, message }], cause: error });
}

function placeOf(name: string, { filter, fields }: Follows): string {
  if (fields?.includes(name)) return '/fields';
  return filter === null ? '' : `/filter/${name}`;
}

const FIELDS: ReadonlyMap<string, string> = new Map([
  ['NOT_FOUND', '/topics'],
  ['MALFORMED_TOPIC', '/topics'],
  ['TOO_MANY_SUBSCRIPTIONS', '/topics'],
  ['MALFORMED_FILTER', '/filter'],
  ['BAD_REQUEST', '/filter'],
]);
