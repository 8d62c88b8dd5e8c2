import { waitFor } from '@tidewire/test-kit';
import { insideTopic, mayListRow, mayReadRow } from './evaluator.ts';
import { Finding } from './finding.ts';
import { rowHasTurned, rowInView, sameJson } from './expectation.ts';
import type { Interest } from './expectation.ts';
import { judgeReceipts } from './judgement.ts';
import { tellsRows } from './graphql-face.ts';
import { createListQuery } from './graphql-generator.ts';
import { probeObjects } from './graphql-probe.ts';
import { Lists, isListing } from './lists.ts';
import type { Listing } from './lists.ts';
import type { Random } from './random.ts';
import { tableRowOf, tableTerms } from './table-face.ts';
import type { Poller } from './poller.ts';
import type { Image, Schema } from './rights.ts';
import type { Subscriber } from './subscriber.ts';
import type { Follower } from './follower.ts';
import type { FeedGroup } from './feed-group.ts';
import { judgeGroup } from './group-judgement.ts';
import { NATS_POLL } from './transports/nats.ts';
import { judgeListing, judgeRefusal, judgeView } from './view-judgement.ts';
import type { Reality } from './view-judgement.ts';
import type { World } from './world.ts';

const PATIENCE_MS = 30_000;
/** Lists of a quiet point besides those of subscribers. */
const PROBES = 5;
/** Documents of a quiet point that ask for rows by their ids. */
const OBJECT_PROBES = 2;
const FORBIDDEN = '"FIELD_FORBIDDEN"';
/** The moments at which nothing is written and everybody has been told everything. */
export class Quiet {
  messages = 0;
  /** Of them to workers of groups. */
  handed = 0;
  lists = 0;
  quietPoints = 0;
  /** Results of GraphQL in which something may not be read. */
  forbidden = 0;
  /** Messages by how they came. */
  readonly transports = new Map<string, number>();
  readonly #world: World;
  readonly #lacking = new WeakMap<Follower, ReadonlySet<string>>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Waits until the log holds everything that was written, and all have been told all of it.
   *
   * @throws Finding what was found meanwhile.
   */
  async reach(subscribers: readonly Subscriber[], broken: () => Finding | undefined): Promise<number> {
    const { platform, history, model } = this.#world;
    const position = await waitFor(
      async () => {
        const [state] = await platform
          .sql<{ busy: boolean; sequence: string }>(
            `select sequence, exists (select from outbox.rows)
               or exists (select from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
                          and datname = current_database()) as busy from outbox.relay_state`,
          )
          .catch(() => []);
        return state?.busy === false && history.head >= Number(state.sequence) && history.head;
      },
      { what: 'the log holds everything', timeoutMs: PATIENCE_MS },
    );
    model.settle();
    for (const subscriber of subscribers) if (subscriber.refusal !== undefined) subscriber.connect();
    const { groups, nats } = this.#world;
    nats.isHurried = true;
    for (const group of groups) group.wake();
    await this.#reachEnds();
    await waitFor(() => broken() !== undefined || this.#lateOnes(subscribers, position).length === 0, {
      what: 'everybody has been told everything',
      timeoutMs: PATIENCE_MS,
    }).catch(() => {
      const late = this.#lateOnes(subscribers, position).map(({ state }) => state);
      throw new Finding('loss', `not everybody reached ${position}`, { late });
    });
    // Whoever asks without waiting hears nothing of it, and has to fetch again by itself.
    for (const one of subscribers) {
      if (one.connection?.transport === NATS_POLL && this.#turnedUnseen(one) !== undefined) one.fetchAgain();
    }
    const outdated = (): Follower | undefined =>
      [...subscribers, ...groups.filter(({ isLeft }) => !isLeft)].find(
        (one) => this.#turnedUnseen(one) !== undefined,
      );
    await waitFor(() => broken() !== undefined || outdated() === undefined, {
      what: 'everybody has been told that time has passed',
      timeoutMs: PATIENCE_MS,
    }).catch(() => {
      const late = outdated();
      if (late === undefined) return;
      throw new Finding('loss', `${late.options.name} was not told that time has passed`, {
        state: late.state,
        freshAt: late.freshAt,
        turned: this.#turnedUnseen(late),
        viewer: late.viewer,
        past: late.trail,
        principal: model.rights.principals.get(late.viewer.asker.principal ?? ''),
        policies: Object.fromEntries(model.rights.policies),
      });
    });
    // Not everybody was waited for: what is missing now says nothing.
    const found = broken();
    if (found !== undefined) throw found;
    nats.isHurried = false;
    return position;
  }

  #lateOnes(subscribers: readonly Subscriber[], position: number): (Subscriber | FeedGroup)[] {
    return [...subscribers, ...this.#world.groups].filter((one) => !one.hasReached(position));
  }

  /** Nobody stays connected to NATS by what has ended; who it is has to be asked there, which takes a moment. */
  async #reachEnds(): Promise<void> {
    const { nats, history } = this.#world;
    const outliving = (): readonly string[] => nats.outliving(history.rights);
    await waitFor(() => outliving().length === 0, { what: 'who has no credential is disconnected' }).catch(
      () => {
        throw new Finding('still-open', 'a connection to NATS lives by a credential that ended', {
          credentials: outliving(),
        });
      },
    );
  }

  /** A row that time has shown it or taken away since it fetched, without anybody telling it to fetch again. */
  #turnedUnseen({ viewer, freshAt, stale, refusal, isOver }: Follower): Image | undefined {
    const { model, lastTurn } = this.#world;
    if (stale || isOver || refusal !== undefined || freshAt > lastTurn) return undefined;
    const now = Date.now();
    return model.images.values().find(({ schema, image }) => {
      if (!rowHasTurned(schema, image, freshAt, now)) return false;
      const before = rowInView({ ...viewer, now: freshAt }, model.rights, schema, image);
      return !sameJson(before, rowInView({ ...viewer, now }, model.rights, schema, image));
    })?.image;
  }

  /** Judges all that was received, and compares what everybody has with lists and evaluator. */
  async compare(
    subscribers: readonly Subscriber[],
    absent: readonly Subscriber[],
    position: number,
  ): Promise<void> {
    const { history, model, schemas, visits, edits } = this.#world;
    await edits.settle(position);
    this.judge([...absent, ...subscribers], position, [Date.now()]);
    await visits.settle();
    const reality: Reality = { history, schemas, rows: model.images, model };
    const lists = new Lists(this.#world.records);
    const groups = this.#world.groups.filter(({ isLeft }) => !isLeft);
    const followers = [...subscribers, ...groups];
    await Promise.all(followers.map((follower) => this.#compareOne(follower, reality, lists)));
    this.lists += lists.count;
    this.quietPoints += 1;
  }

  /** Judges all that was received. */
  judge(subscribers: readonly Subscriber[], position: number, moments: readonly number[]): void {
    const { history, model, schemas, visits, edits, sockets } = this.#world;
    const reality: Reality = { history, schemas, rows: model.images, model };
    visits.judge(position);
    edits.judge(position, moments);
    for (const socket of sockets.all()) socket.forgetTickets();
    for (const subscriber of subscribers) {
      for (const { connection, event } of subscriber.receipts) {
        this.transports.set(connection.transport, (this.transports.get(connection.transport) ?? 0) + 1);
        if (connection.transport.startsWith('graphql') && event.text.includes(FORBIDDEN)) this.forbidden += 1;
      }
      this.messages += judgeReceipts(subscriber, reality, position, moments);
    }
    for (const group of this.#world.groups) {
      this.handed += judgeGroup(group, history, position, moments);
    }
  }

  /** Lets clients that poll do a round. */
  async poll(pollers: readonly Poller[], position: number): Promise<void> {
    const { history, model, platform } = this.#world;
    await Promise.all(pollers.map((one) => one.poll({ base: platform.origin, history, model, position })));
  }

  /** Lists that nobody follows up: of either face, in some order, of what is found by some text. */
  async probe(random: Random, position: number): Promise<void> {
    const { history, model, schemas, people, generator } = this.#world;
    const reality: Reality = { history, schemas, rows: model.images, model };
    const lists = new Lists(this.#world.records);
    for (let count = PROBES; count > 0; count -= 1) {
      const schema = random.pick(schemas);
      const ticket = this.#world.ticket(random.pick(people));
      const { principal, credential } = ticket;
      const face = random.pick(['objects', 'table', 'graphql'] as const);
      const filter = random.chance(0.3) ? tableTerms(generator.filter(random)) : [];
      const isGraphql = face === 'graphql';
      const alternatives =
        isGraphql && random.chance(0.3) ? [generator.filter(random), generator.filter(random)] : undefined;
      const interest = {
        topics: [`register/${schema.register}`],
        filter,
        alternatives,
        fields: !isGraphql && random.chance(0.2) ? generator.fields(random) : undefined,
        events: undefined,
      };
      const order = generator.order(random);
      const search = random.chance(0.4) ? generator.search(random) : undefined;
      const query = isGraphql
        ? createListQuery(random, { schema, filter, alternatives, order, search })
        : undefined;
      const asked = { order, search, query };
      const listing = await lists.read({ ticket, schema, filter, fields: interest.fields, face, ...asked });
      if (isListing(listing) && listing.position < position) {
        throw new Finding('wrong-list', `a list of ${position} says that it is of ${listing.position}`);
      }
      judgeListing({ asker: { principal, credential }, interest }, reality, listing, asked);
    }
    this.lists += lists.count;
    for (let count = OBJECT_PROBES; count > 0; count -= 1) await probeObjects(this.#world, random);
  }

  /** What nobody can ask about any more does not have to be remembered. */
  forget(absent: readonly { readonly place: number }[]): void {
    const { history } = this.#world;
    history.forget(Math.min(history.head, ...absent.map(({ place }) => place)));
  }

  async #compareOne(subscriber: Follower, reality: Reality, lists: Lists): Promise<void> {
    if (subscriber.isOver) return;
    if (subscriber.sentAway !== undefined) {
      throw new Finding('loss', `${subscriber.options.name} was sent away: ${subscriber.sentAway}`);
    }
    judgeRefusal(subscriber, reality);
    if (subscriber.refusal !== undefined) return;
    requireLiving(subscriber, reality);
    const { listings, refused } = await this.#readLists(subscriber, reality, lists);
    if (subscriber.stale) {
      subscriber.restart(listings);
      subscriber.unlisted = unlistedRows(subscriber, reality);
      this.#lacking.set(subscriber, refused);
    }
    const { events, graphql } = subscriber.options.interest;
    if (events !== undefined || (graphql !== undefined && !tellsRows(graphql))) return;
    judgeView(subscriber, reality, refused.union(this.#lacking.get(subscriber) ?? new Set()));
  }

  /** What the lists of a subscriber's topics give it, and the schemas that gave it none. */
  async #readLists({ options }: Follower, reality: Reality, lists: Lists): Promise<ReadLists> {
    const { interest } = options;
    const { filter, fields } = interest;
    const ticket = options.ticket();
    const { principal, credential } = ticket;
    const listings: Listing[] = [];
    const refused = new Set<string>();
    for (const schema of reality.schemas.filter((one) => concerns(interest.topics, one))) {
      const query = interest.graphql?.list;
      const face = interest.table === undefined ? 'objects' : 'table';
      const listing = await lists.read({ ticket, schema, filter, fields, face, query });
      // A list is of its schema, whatever the topics of the stream.
      const listed = { ...interest, topics: [`register/${schema.register}`] };
      judgeListing({ asker: { principal, credential }, interest: listed }, reality, listing, { query });
      if (!isListing(listing)) refused.add(schema.id);
      else {
        listings.push({ ...listing, rows: rowsOf(interest, listing) });
      }
    }
    return { listings, refused };
  }
}

/** The rows of a list that somebody follows who follows this. */
function rowsOf({ topics }: Interest, { face, schema, rows }: Listing): readonly Image[] {
  if (face === 'graphql') return rows;
  if (face === 'table') return rows.map(tableRowOf);
  return rows.filter((row) => topics.some((topic) => insideTopic(topic, schema, row)));
}

interface ReadLists {
  readonly listings: readonly Listing[];
  /** By id. */
  readonly refused: ReadonlySet<string>;
}

/** Nobody keeps a stream whose credential ended before everything that it has been told. */
function requireLiving(subscriber: Follower, { history }: Reality): void {
  const credential = subscriber.connection?.ticket.credential;
  if (credential === null || credential === undefined || subscriber.connection?.open !== true) return;
  if (history.rights.credentials.get(credential)?.ended !== true) return;
  throw new Finding(
    'still-open',
    `${subscriber.options.name} still has a stream with a credential that ended`,
  );
}

/** Rows that the subscriber may read, but not list. */
function unlistedRows({ viewer: { asker } }: Follower, { history, rows }: Reality): ReadonlySet<string> {
  const question = { rights: history.rights, asker, now: Date.now() };
  const unlisted = [...rows].filter(
    ([, { schema, image }]) =>
      mayReadRow({ ...question, schema }, image) && !mayListRow({ ...question, schema }, image),
  );
  return new Set(unlisted.map(([uuid]) => uuid));
}

/** Whether rows of a schema can be in one of the topics. */
function concerns(topics: readonly string[], schema: Schema): boolean {
  return topics.some(
    (topic) =>
      topic.startsWith('object/') ||
      topic.startsWith('organisation/') ||
      topic === `register/${schema.register}` ||
      topic === `register/${schema.register}/schema/${schema.slug}`,
  );
}
