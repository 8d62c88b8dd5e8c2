import type { Interest } from './expectation.ts';
import { FeedGroup } from './feed-group.ts';
import type { FeedGroupOptions } from './feed-group.ts';
import { createOperation } from './graphql-generator.ts';
import type { OrderTerm } from './lists.ts';
import { Poller } from './poller.ts';
import { Random } from './random.ts';
import type { Schema } from './rights.ts';
import { Subscriber } from './subscriber.ts';
import type { SubscriberOptions } from './subscriber.ts';
import { tableTerms } from './table-face.ts';
import { bearer } from './tickets.ts';
import type { Ticket } from './tickets.ts';
import type { Transport } from './transport.ts';
import { isForNats } from './transports/nats-connections.ts';
import { followsOnNats } from './transports/nats.ts';
import type { World } from './world.ts';

const TABLE_CHANCE = 0.3;
const GRAPHQL_CHANCE = 0.4;
/** Of those who select something by GraphQL, who never follow it otherwise. */
const PURE_CHANCE = 0.75;
const SOME_EVENTS = [
  ['object.created', 'object.updated'],
  ['object.deleted'],
  ['object.updated', 'object.deleted'],
];
const LIKE_CHANCE = 0.3;
/** Of those who follow what another one follows, who are the same: what they have may share a connection. */
const SAME_CHANCE = 0.65;
/** People. */
const OFTEN = 3;

export interface Newcomer extends Pick<SubscriberOptions, 'name' | 'transports' | 'gateways' | 'onFinding'> {
  /** Who is there already. */
  readonly others: readonly Subscriber[];
}

/** Somebody, mostly one of the people, who follows something that is there for it; now and then what another one does. */
export function createSubscriber(world: World, random: Random, { others, ...options }: Newcomer): Subscriber {
  const model = random.chance(LIKE_CHANCE) ? others.filter(({ isOver }) => !isOver) : [];
  const like = model.length === 0 ? undefined : random.pick(model);
  const principal =
    like !== undefined && random.chance(SAME_CHANCE) ? like.viewer.asker.principal : somebody(world, random);
  const interest =
    like === undefined
      ? someInterest(world, random, principal)
      : random.chance(0.6)
        ? withOtherSelection(random, like.options.interest)
        : like.options.interest;
  const isPure = random.chance(PURE_CHANCE);
  return new Subscriber(
    {
      ...options,
      interest,
      transports: waysToFollow(options.transports, interest, isPure),
      random: new Random(random.below(2 ** 31)),
      ticket: () => (principal === world.adminId ? adminTicket(world) : world.ticket(principal)),
      isOver: () => world.isGone(principal, interest.topics),
    },
    random.below(options.gateways.length),
  );
}

function waysToFollow(
  transports: readonly Transport[],
  interest: Interest,
  isPure: boolean,
): readonly Transport[] {
  const all = transports.filter((transport) => transport.follows(interest));
  if (interest.graphql === undefined || !isPure) return all;
  return all.filter(({ name }) => name.startsWith('graphql'));
}

/** The same rows, of which GraphQL selects something else. */
function withOtherSelection(random: Random, interest: Interest): Interest {
  return interest.graphql === undefined ? interest : selecting(random, interest.graphql.schema, interest);
}

function selecting(random: Random, schema: Schema, interest: Interest): Interest {
  const { filter, alternatives, events } = interest;
  return { ...interest, graphql: createOperation(random, { schema, filter, alternatives, events }) };
}

function somebody({ people, adminId }: World, random: Random): string | null {
  return random.weighted<string | null>([
    [9, random.pick(people)],
    // Some are more often there than others: they have several subscriptions on one connection.
    [5, random.pick(people.slice(0, OFTEN))],
    [1, adminId],
    [1, null],
  ]);
}

function someInterest(world: World, random: Random, principal: string | null): Interest {
  const { generator, organisations, model, adminId } = world;
  const known = principal === null || principal === adminId ? [] : [model.principal(principal).active ?? ''];
  const own = known.filter((id) => id !== '');
  const rows = [...model.rows.values()].filter(({ exists }) => exists).map(({ uuid }) => uuid);
  const schema = world.aSchema(random);
  if (random.chance(GRAPHQL_CHANCE)) return someSelection(world, random, schema);
  const isTable = random.chance(TABLE_CHANCE);
  const wide = generator.topics(random, schema, {
    organisations: principal === adminId ? organisations : own,
    rows,
  });
  const topics = isTable ? [topicOf(schema)] : wide;
  const isOneSchema = topics.length === 1 && topics[0]?.includes('/schema/') === true;
  const filter = isOneSchema && random.chance(0.65) ? generator.filter(random) : [];
  const order = isTable && random.chance(0.5) ? orderOf(world, random) : [];
  return {
    topics,
    ...(isTable ? { table: schema } : {}),
    ...(order.length > 0 ? { order } : {}),
    filter: isTable ? tableTerms(filter) : filter,
    fields: isOneSchema && random.chance(0.35) ? generator.fields(random) : undefined,
    events: !isTable && random.chance(0.06) ? new Set(['object.deleted', 'object.created']) : undefined,
  };
}

function someSelection({ generator }: World, random: Random, schema: Schema): Interest {
  return selecting(random, schema, {
    topics: [topicOf(schema)],
    filter: random.chance(0.45) ? generator.filter(random) : [],
    alternatives: random.chance(0.3) ? [generator.filter(random), generator.filter(random)] : undefined,
    fields: undefined,
    events: random.chance(0.1) ? new Set(random.pick(SOME_EVENTS)) : undefined,
  });
}

function orderOf({ generator }: World, random: Random): OrderTerm[] {
  const terms = generator.order(random);
  return random.chance(0.2) ? [...terms, { field: 'updatedAt', descending: true }] : terms;
}

/** Workers of one of the people who share what there is to follow over NATS; nobody, where nobody has a token for it. */
export function createGroup(
  world: World,
  random: Random,
  options: Pick<FeedGroupOptions, 'name' | 'onFinding'>,
): FeedGroup | undefined {
  const { gateways, nats } = world;
  const people = world.people.filter((one) => isForNats(world.ticket(one)));
  if (people.length === 0) return undefined;
  const principal = random.pick(people);
  let interest = someInterest(world, random, principal);
  while (!followsOnNats(interest) || interest.graphql !== undefined) {
    interest = someInterest(world, random, principal);
  }
  return new FeedGroup({
    ...options,
    interest,
    gateways,
    nats,
    workers: 2 + random.below(3),
    random: new Random(random.below(2 ** 31)),
    ticket: () => world.ticket(principal),
    isOver: () => world.isGone(principal, interest.topics),
  });
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
