import { Poller } from './poller.ts';
import type { Random } from './random.ts';
import type { Schema } from './rights.ts';
import { Subscriber } from './subscriber.ts';
import type { SubscriberOptions } from './subscriber.ts';
import { tableTerms } from './table-face.ts';
import { bearer } from './tickets.ts';
import type { Ticket } from './tickets.ts';
import type { World } from './world.ts';

/** Somebody, mostly one of the people, who follows something that is there for it. */
export function createSubscriber(
  world: World,
  random: Random,
  options: Pick<SubscriberOptions, 'name' | 'transport' | 'gateways' | 'onFinding'>,
): Subscriber {
  const { generator, people, organisations, model, adminId } = world;
  const principal = random.weighted<string | null>([
    [14, random.pick(people)],
    [1, adminId],
    [1, null],
  ]);
  const known = principal === null || principal === adminId ? [] : [model.principal(principal).active ?? ''];
  const own = known.filter((id) => id !== '');
  const rows = [...model.rows.values()].filter(({ exists }) => exists).map(({ uuid }) => uuid);
  const schema = world.aSchema(random);
  const isTable = options.transport.face === 'table';
  const wide = generator.topics(random, schema, {
    organisations: principal === adminId ? organisations : own,
    rows,
  });
  const topics = isTable ? [topicOf(schema)] : wide;
  const isOneSchema = topics.length === 1 && topics[0]?.includes('/schema/') === true;
  const filter = isOneSchema && random.chance(0.65) ? generator.filter(random) : [];
  return new Subscriber(
    {
      ...options,
      interest: {
        topics,
        ...(isTable ? { table: schema } : {}),
        filter: isTable ? tableTerms(filter) : filter,
        fields: isOneSchema && random.chance(0.35) ? generator.fields(random) : undefined,
        events: !isTable && random.chance(0.06) ? new Set(['object.deleted', 'object.created']) : undefined,
      },
      ticket: () => (principal === adminId ? adminTicket(world) : world.ticket(principal)),
      isOver: () => world.isGone(principal, topics),
    },
    random.below(options.gateways.length),
  );
}

/** One of the people, who asks for what changed; `index` says of how many kinds it is. */
export function createPoller(
  world: World,
  random: Random,
  { name, index }: { readonly name: string; readonly index: number },
): Poller {
  const { generator, people } = world;
  const [principal, schema] = [random.pick(people), world.aSchema(random)];
  return new Poller({
    name,
    schema,
    interest: {
      filter: index % 2 === 0 ? [] : generator.filter(random),
      fields: index % 3 === 0 ? generator.fields(random) : undefined,
    },
    ticket: () => world.ticket(principal),
    isOver: () => world.isGone(principal, [topicOf(schema)]),
  });
}

function adminTicket({ adminId, platform }: World): Ticket {
  const headers = bearer(platform.adminToken);
  return { principal: adminId, credential: null, headers, type: 'token', limits: '' };
}

function topicOf({ register, slug }: Schema): string {
  return `register/${register}/schema/${slug}`;
}
