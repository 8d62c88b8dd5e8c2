import { mayListRow, mayReadByRule, mayReadRow } from './evaluator.ts';
import { canonicalJson, messageOf, replayedMessageOf, rowInView, sameJson } from './expectation.ts';
import type { Message, Viewer } from './expectation.ts';
import { Finding } from './finding.ts';
import type { Change, History } from './history.ts';
import { isListing } from './lists.ts';
import type { ListRequest, Listing, RefusedListing } from './lists.ts';
import { isFound, judgeOrder } from './order.ts';
import type { Image, Schema } from './rights.ts';
import type { Model } from './model.ts';
import { tableMessageOf, tableRecordOf, tableRowOf } from './table-face.ts';
import type { ReceivedEvent } from './transport.ts';
import type { Receipt, Subscriber, Turn } from './subscriber.ts';

/** What is judged against: what happened, and what is there now. */
export interface Reality {
  readonly history: History;
  readonly schemas: readonly Schema[];
  /** The newest images of the rows that exist. */
  readonly rows: ReadonlyMap<string, { readonly schema: Schema; readonly image: Image }>;
  readonly model: Model;
}

/** Judges every message that a subscriber received since the last time, one by one, and that none is missing. */
export function judgeReceipts(subscriber: Subscriber, { history }: Reality, position: number): number {
  const { receipts } = subscriber;
  for (const receipt of receipts) judgeReceipt(subscriber, history, receipt);
  judgeCompleteness(subscriber, history, position);
  for (const turn of subscriber.turns) judgeTurn(subscriber, history, turn);
  subscriber.receipts = [];
  subscriber.turns = [];
  const { connection } = subscriber;
  if (connection?.open === true) {
    connection.liveAfter = position;
    subscriber.completeUpTo = position;
  }
  return receipts.length;
}

function judgeReceipt(subscriber: Subscriber, history: History, receipt: Receipt): void {
  const { event, sequence, connection } = receipt;
  const change = history.at(sequence);
  const name = subscriber.options.name;
  if (change === undefined) {
    throw new Finding('leak', `${name} was told of something that did not happen`, { event });
  }
  const viewer = viewerOf(subscriber, receipt);
  const body = JSON.parse(event.text) as Record<string, unknown>;
  const { table } = viewer.interest;
  const told =
    table === undefined ? { name: event.name, data: body['data'] as Message['data'] } : tableTold(event);
  const live = messageOf(viewer, history.rightsAt(sequence), change);
  const possible = [...(mayBePast(receipt) ? pastMessages(viewer, history, receipt, change) : [])];
  if (!isPastOnly(receipt)) possible.push(live);
  const expected = table === undefined ? possible : possible.map((one) => one && tableMessageOf(change, one));
  if (!expected.some((one) => one !== undefined && sameMessage(one, told))) {
    throw new Finding(
      isLeak(told, expected) ? 'leak' : 'wrong-message',
      `${name} (${connection.ticket.principal}) was told wrongly of ${change.uuid} version ${change.version}`,
      { told, expected, ...contextOf(subscriber, history, receipt, change) },
    );
  }
  if (table === undefined) judgeEnvelope(name, body, change, told);
}

/** A message of a table but for its event id, which is the place that it was taken by. */
function tableTold({ name, text }: ReceivedEvent): Message {
  const { eventId: _eventId, ...data } = JSON.parse(text) as Record<string, unknown>;
  return { name, data };
}

/** The part of an event that is the same for all who get it. */
function judgeEnvelope(name: string, event: Record<string, unknown>, change: Change, told: Message): void {
  const left = told.data['transition'] === 'left';
  const { data: _data, id, source: _source, ...rest } = event;
  const expected: Record<string, unknown> = {
    specversion: '1.0',
    type: `nl.conduction.openregister.${told.name}`,
    time: change.time,
    subject: change.uuid,
    datacontenttype: 'application/json',
    sequence: String(change.sequence).padStart(12, '0'),
    ...(left || change.correlationId === null ? {} : { correlationid: change.correlationId }),
  };
  if (sameJson(rest, expected) && String(id).endsWith(`-${String(expected['sequence'])}`)) return;
  throw new Finding('wrong-message', `${name} got an envelope that is not right`, { event, expected });
}

/** Told before the connection's gateway was where it was when it opened: only as the past is told. */
function isPastOnly({ connection, sequence, afterResync }: Receipt): boolean {
  return connection.cursor !== undefined && !afterResync && sequence <= connection.floor;
}

function mayBePast({ connection, sequence, afterResync }: Receipt): boolean {
  if (connection.cursor === undefined || afterResync) return false;
  return connection.liveAfter === undefined || sequence <= connection.liveAfter;
}

/**
 * Lossless from poll to poll: of each row an answer has what the past up to some place and what followed it call for. What
 * it has too much of is found message by message.
 */
function judgeTurn(subscriber: Subscriber, history: History, { connection, after, upTo }: Turn): void {
  const receipts = subscriber.receipts.filter((one) => one.connection === connection);
  const told = new Set(receipts.map(({ sequence }) => sequence));
  const { principal, credential } = connection.ticket;
  const viewer = { asker: { principal, credential }, interest: subscriber.options.interest };
  for (const uuid of new Set(history.between(after, upTo).map((change) => change.uuid))) {
    const row = history.of(uuid).filter(({ sequence }) => sequence > after);
    const due = row.filter(({ sequence }) => sequence <= upTo);
    const ways = [...waysToTell(viewer, history, connection.floor, row)];
    const isWhole = ways.some((tell) =>
      due.every((change) => told.has(change.sequence) || tell(change) === undefined),
    );
    if (isWhole) continue;
    throw new Finding('loss', `${subscriber.options.name} was not told of ${uuid} by a poll`, {
      after,
      upTo,
      floor: connection.floor,
      told: [...told],
      expected: ways.map((tell) => due.map((change) => [change.sequence, tell(change)])),
      past: subscriber.trail,
    });
  }
}

type Telling = (change: Change) => Message | undefined;

/** What each change of a row may have been told as, one way for every place that the past may have ended at. */
function* waysToTell(
  viewer: Viewer,
  history: History,
  floor: number,
  row: readonly Change[],
): Generator<Telling> {
  const live: Telling = (change) => messageOf(viewer, history.rightsAt(change.sequence), change);
  // Nothing of it was past.
  if ((row[0]?.sequence ?? Infinity) > floor) yield live;
  for (const [index, last] of row.entries()) {
    const next = row[index + 1]?.sequence ?? Infinity;
    if (next <= floor) continue;
    const past = row.slice(0, index + 1);
    for (const rights of history.rightsWithin(Math.max(floor, last.sequence), next)) {
      yield (change) =>
        change.sequence <= last.sequence ? replayedMessageOf(viewer, rights, change, past) : live(change);
    }
  }
}

/** What a replay may have told of the change, for every place that it may have ended at. */
function pastMessages(
  viewer: Viewer,
  history: History,
  receipt: Receipt,
  change: Change,
): (Message | undefined)[] {
  const { cursor = 0, floor } = receipt.connection;
  const row = history.of(change.uuid).filter(({ sequence }) => sequence > cursor);
  const messages: (Message | undefined)[] = [];
  for (const [index, last] of row.entries()) {
    const next = row[index + 1]?.sequence ?? Infinity;
    if (last.sequence < change.sequence || next <= floor) continue;
    // Rights that change meanwhile, and do not concern the reader, may still be those that let it in.
    for (const rights of history.rightsWithin(Math.max(floor, last.sequence), next)) {
      messages.push(replayedMessageOf(viewer, rights, change, row.slice(0, index + 1)));
    }
  }
  return messages;
}

function viewerOf(subscriber: Subscriber, { connection }: Pick<Receipt, 'connection'>): Viewer {
  const { principal, credential } = connection.ticket;
  return { asker: { principal, credential }, interest: subscriber.options.interest };
}

/** Lossless where the stream has been live since the last quiet point: each change that concerns it was told. */
function judgeCompleteness(subscriber: Subscriber, history: History, position: number): void {
  const { connection, completeUpTo, receipts } = subscriber;
  if (connection?.open !== true || connection.liveAfter === undefined) return;
  const after = Math.max(connection.liveAfter, completeUpTo);
  const told = new Set(
    receipts.filter((one) => one.connection === connection).map(({ sequence }) => sequence),
  );
  const { principal, credential } = connection.ticket;
  const viewer = { asker: { principal, credential }, interest: subscriber.options.interest };
  for (const change of history.between(after, position)) {
    if (told.has(change.sequence)) continue;
    const expected = messageOf(viewer, history.rightsAt(change.sequence), change);
    if (expected === undefined) continue;
    throw new Finding(
      'loss',
      `${subscriber.options.name} was not told of ${change.uuid} version ${change.version}`,
      {
        expected,
        sequence: change.sequence,
        after,
        position,
        state: subscriber.state,
        ...contextOf(subscriber, history, { connection, sequence: change.sequence }, change),
        row: history
          .of(change.uuid)
          .map((one) => [one.sequence, messageOf(viewer, history.rightsAt(one.sequence), one)]),
        told: [...told],
      },
    );
  }
}

/** Something was told that should not have been: all of it, or more than may be. */
function isLeak(told: Message, expected: readonly (Message | undefined)[]): boolean {
  const allowed = expected.filter((one) => one !== undefined);
  if (allowed.length === 0) return true;
  return allowed.every((one) => leavesOf(told.data).some((leaf) => !leavesOf(one.data).includes(leaf)));
}

function leavesOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}=${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, `${path}/${name}`));
}

function sameMessage(a: Message, b: Message): boolean {
  return a.name === b.name && sameJson(a.data, b.data);
}

function contextOf(
  subscriber: Subscriber,
  history: History,
  receipt: Pick<Receipt, 'connection'> & Partial<Receipt>,
  change: Change,
): Record<string, unknown> {
  const rights = history.rightsAt(change.sequence);
  const viewer = viewerOf(subscriber, receipt);
  const { connection, afterResync } = receipt;
  return {
    sequence: change.sequence,
    before: change.before,
    after: change.after,
    interest: { ...viewer.interest, fields: viewer.interest.fields && [...viewer.interest.fields] },
    principal: rights.principals.get(viewer.asker.principal ?? ''),
    credential: rights.credentials.get(viewer.asker.credential ?? ''),
    policy: rights.policies.get(change.schema.id),
    inherited: rights.policies.get(change.schema.registerId),
    cursor: connection.cursor,
    floor: connection.floor,
    liveAfter: connection.liveAfter,
    afterResync,
    gateway: connection.gateway.name,
    transport: subscriber.options.transport.name,
    past: subscriber.trail,
  };
}

/** A list against what the evaluator says: the same rows, with the same members and values. */
export function judgeListing(
  viewer: Viewer,
  { history, rows, model }: Reality,
  listing: Listing | RefusedListing,
  { search, order = [] }: Pick<ListRequest, 'search' | 'order'> = {},
): void {
  const { schema } = listing;
  const { rights } = history;
  const question = { rights, asker: viewer.asker, schema, now: Date.now() };
  const expected = new Map<string, Image>();
  let byRule = 0;
  for (const [uuid, row] of rows) {
    if (row.schema.id !== schema.id) continue;
    const seen = rowInView(viewer, rights, schema, row.image);
    if (seen === undefined || !mayListRow(question, row.image)) continue;
    if (!isFound(question, row.image, search)) continue;
    const isRecord = isListing(listing) && listing.face === 'table';
    expected.set(uuid, isRecord ? tableRecordOf(viewer, rights, model, { schema, seen }) : seen);
    if (mayReadByRule(question, row.image)) byRule += 1;
  }
  const who = `${viewer.asker.principal}, ${schema.register}/${schema.slug}, ${JSON.stringify(viewer.interest.filter)}`;
  if (!isListing(listing)) {
    // Whoever may read its own rows only does not know the schema; a field that may be read on no row is not there.
    const known = byRule > 0 && (listing.status !== 400 || viewer.interest.filter.length === 0);
    if (known && viewer.interest.fields === undefined && order.length === 0) {
      throw new Finding('wrong-refusal', `the list of ${who} was refused`, { ...listing, byRule });
    }
    return;
  }
  judgeRows(
    'wrong-list',
    `the list of ${who}`,
    new Map(listing.rows.map((row) => [String(row['id']), row])),
    expected,
  );
  judgeOrder(question, listing, rows, order);
  if (listing.total === expected.size) return;
  throw new Finding('wrong-list', `the list of ${who} counts ${listing.total} rows, not ${expected.size}`);
}

/** Rows that somebody has against those that it should have. */
export function judgeRows(
  kind: 'wrong-list' | 'wrong-view',
  what: string,
  actual: ReadonlyMap<string, Image>,
  expected: ReadonlyMap<string, Image>,
  context: Readonly<Record<string, unknown>> = {},
): void {
  const missing = [...expected.keys()].filter((uuid) => !actual.has(uuid));
  const surplus = [...actual.keys()].filter((uuid) => !expected.has(uuid));
  const other = [...expected].filter(([uuid, row]) => actual.has(uuid) && !sameJson(actual.get(uuid), row));
  if (missing.length + surplus.length + other.length === 0) return;
  const [first] = other;
  throw new Finding(kind, `${what} is not what may be seen`, {
    missing: missing.map((uuid) => expected.get(uuid)),
    surplus: surplus.map((uuid) => actual.get(uuid)),
    other:
      first === undefined
        ? undefined
        : { has: canonicalJson(actual.get(first[0])), should: canonicalJson(first[1]) },
    ...context,
  });
}

/**
 * A subscriber's rows against those that it may see. Schemas in `unlisted` gave it no list: of these it may lack rows,
 * since it could not fetch again, but may have none too many.
 */
export function judgeView(subscriber: Subscriber, reality: Reality, unlisted: ReadonlySet<string>): void {
  const { history, rows, schemas } = reality;
  const { viewer, unlisted: lacking } = subscriber;
  const find = (register: string, slug: string): Schema | undefined =>
    schemas.find((schema) => schema.register === register && schema.slug === slug);
  const actual = subscriber.view(find);
  const expected = new Map<string, Image>();
  for (const [uuid, { schema, image }] of rows) {
    const seen = rowInView(viewer, history.rights, schema, image);
    if (seen === undefined || ((unlisted.has(schema.id) || lacking.has(uuid)) && !actual.has(uuid))) continue;
    expected.set(uuid, viewer.interest.table === undefined ? seen : tableRowOf(seen));
  }
  judgeRows(
    'wrong-view',
    `the view of ${subscriber.options.name} (${viewer.asker.principal})`,
    actual,
    expected,
    {
      interest: { ...viewer.interest, fields: viewer.interest.fields && [...viewer.interest.fields] },
      transport: subscriber.options.transport.name,
      state: subscriber.state,
      past: subscriber.trail,
      principal: history.rights.principals.get(viewer.asker.principal ?? ''),
      credential: history.rights.credentials.get(viewer.asker.credential ?? ''),
      policies: Object.fromEntries(history.rights.policies),
      organisations: [...history.rights.organisations.values()],
    },
  );
}

/** Whether a refusal of the topics says what is so: nothing in them may be read by a rule. */
export function judgeRefusal(subscriber: Subscriber, { history, rows }: Reality): void {
  const { refusal, viewer } = subscriber;
  if (refusal === undefined) return;
  const visible = [...rows.values()].filter(({ schema, image }) => {
    const question = { rights: history.rights, asker: viewer.asker, schema, now: Date.now() };
    return mayReadRow(question, image) && mayReadByRule(question, image);
  });
  const concerned = visible.filter(
    ({ schema, image }) =>
      rowInView(
        { ...viewer, interest: { ...viewer.interest, filter: [] } },
        history.rights,
        schema,
        image,
      ) !== undefined,
  );
  const aboutFields = refusal.status === 400 && refusal.body.includes('UNKNOWN_FIELD');
  if (aboutFields && (viewer.interest.filter.length > 0 || viewer.interest.fields !== undefined)) return;
  if (refusal.status === 404 && concerned.length === 0) return;
  // One topic that is not there refuses the whole request.
  if (refusal.status === 404 && viewer.interest.topics.length > 1) return;
  throw new Finding('wrong-refusal', `${subscriber.options.name} was refused`, {
    refusal,
    topics: viewer.interest.topics,
    mayRead: concerned.length,
  });
}
