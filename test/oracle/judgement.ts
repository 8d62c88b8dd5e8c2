import { messageOf, replayedMessageOf, sameJson } from './expectation.ts';
import type { Message, Viewer } from './expectation.ts';
import { faceOf } from './faces.ts';
import { Finding } from './finding.ts';
import type { Change, History } from './history.ts';
import type { Receipt, Subscriber, Turn } from './subscriber.ts';
import type { Ticket } from './tickets.ts';
import type { Reality } from './view-judgement.ts';

/**
 * Judges every message that a subscriber received since the last time, one by one, and that none is missing. `moments`: at
 * which rules on the time may have been judged; each of them is as good as the others.
 */
export function judgeReceipts(
  subscriber: Subscriber,
  { history }: Reality,
  position: number,
  moments: readonly number[],
): number {
  const { receipts } = subscriber;
  for (const receipt of receipts) judgeReceipt(subscriber, history, receipt, moments);
  judgeCompleteness(subscriber, history, position, moments);
  for (const turn of subscriber.turns) judgeTurn(subscriber, history, turn, moments);
  subscriber.receipts = [];
  subscriber.turns = [];
  const { connection } = subscriber;
  if (connection?.open === true) {
    connection.liveAfter = position;
    connection.tickets = [connection.ticket];
    subscriber.completeUpTo = position;
  }
  return receipts.length;
}

function judgeReceipt(
  subscriber: Subscriber,
  history: History,
  receipt: Receipt,
  moments: readonly number[],
): void {
  const { event, sequence, connection } = receipt;
  const change = history.at(sequence);
  const name = subscriber.options.name;
  if (change === undefined) {
    throw new Finding('leak', `${name} was told of something that did not happen`, { event });
  }
  const face = faceOf(subscriber.options.interest, connection.transport);
  const told = face.told(event);
  const possible = viewersOf(subscriber, receipt.tickets, moments).flatMap((then) => {
    const past = mayBePast(receipt) ? pastMessages(then, history, receipt, change) : [];
    return isPastOnly(receipt) ? past : [...past, ...liveMessages(then, history, receipt, change)];
  });
  const expected = possible.map((one) => one && face.said(one, change, event.id));
  if (!expected.some((one) => one !== undefined && sameMessage(one, told))) {
    throw new Finding(
      isLeak(
        face.leaves(told),
        expected.map((one) => one && face.leaves(one)),
      )
        ? 'leak'
        : 'wrong-message',
      `${name} (${connection.ticket.principal}) was told wrongly of ${change.uuid} version ${change.version}`,
      { told, expected, ...contextOf(subscriber, history, receipt, change) },
    );
  }
  face.judgeRest(name, event, change);
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
function judgeTurn(
  subscriber: Subscriber,
  history: History,
  { connection, after, upTo, isLive }: Turn,
  moments: readonly number[],
): void {
  const receipts = subscriber.receipts.filter((one) => one.connection === connection);
  const told = new Set(receipts.map(({ sequence }) => sequence));
  const { principal, credential } = connection.ticket;
  const viewer = { asker: { principal, credential }, interest: subscriber.options.interest };
  for (const uuid of new Set(history.between(after, upTo).map((change) => change.uuid))) {
    const row = history.of(uuid).filter(({ sequence }) => sequence > after);
    const due = row.filter(({ sequence }) => sequence <= upTo);
    const ways = moments.flatMap((now) => [
      ...(isLive
        ? [liveTelling({ ...viewer, now }, history)]
        : waysToTell({ ...viewer, now }, history, connection.floor, row)),
    ]);
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

function liveTelling(viewer: Viewer, history: History): Telling {
  return (change) => messageOf(viewer, history.rightsAt(change.sequence), change);
}

/** What each change of a row may have been told as, one way for every place that the past may have ended at. */
function* waysToTell(
  viewer: Viewer,
  history: History,
  floor: number,
  row: readonly Change[],
): Generator<Telling> {
  const live = liveTelling(viewer, history);
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

/**
 * What is told of a change as it happens: under the rights of its place, and where it was sent later than that, only what
 * may be known then still.
 */
function liveMessages(
  viewer: Viewer,
  history: History,
  { sequence, released = 0 }: Receipt,
  change: Change,
): (Message | undefined)[] {
  if (released <= sequence) return [messageOf(viewer, history.rightsAt(sequence), change)];
  return history.rightsWithin(released, Infinity).map((rights) => messageOf(viewer, rights, change));
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
    const from = Math.max(floor, last.sequence, receipt.released ?? 0);
    for (const rights of history.rightsWithin(from, next)) {
      messages.push(replayedMessageOf(viewer, rights, change, row.slice(0, index + 1)));
    }
  }
  return messages;
}

/** By any of these credentials, at any of these moments. */
function viewersOf(
  { options: { interest } }: Subscriber,
  tickets: readonly Ticket[],
  moments: readonly number[],
): Viewer[] {
  return tickets.flatMap(({ principal, credential, limits }) => {
    // Nobody but a holder of a credential is limited.
    const asker = { principal, credential, ...(limits !== '' && { limits }) };
    return moments.map((now) => ({ asker, interest, now }));
  });
}

/** Lossless where the stream has been live since the last quiet point: each change that concerns it was told. */
function judgeCompleteness(
  subscriber: Subscriber,
  history: History,
  position: number,
  moments: readonly number[],
): void {
  const { connection, completeUpTo, receipts } = subscriber;
  if (connection?.open !== true || connection.liveAfter === undefined) return;
  const after = Math.max(connection.liveAfter, completeUpTo);
  const told = new Set(
    receipts.filter((one) => one.connection === connection).map(({ sequence }) => sequence),
  );
  const viewers = viewersOf(subscriber, connection.tickets, moments);
  for (const change of history.between(after, position)) {
    if (told.has(change.sequence)) continue;
    const rights = history.rightsAt(change.sequence);
    const expected = viewers.map((viewer) => messageOf(viewer, rights, change));
    if (expected.includes(undefined)) continue;
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
          .map((one) => [
            one.sequence,
            viewers.map((viewer) => messageOf(viewer, history.rightsAt(one.sequence), one)),
          ]),
        told: [...told],
      },
    );
  }
}

/** Something was told that should not have been: all of it, or more than may be. */
export function isLeak(
  told: readonly string[],
  expected: readonly (readonly string[] | undefined)[],
): boolean {
  const allowed = expected.filter((one) => one !== undefined);
  if (allowed.length === 0) return true;
  return allowed.every((one) => told.some((leaf) => !one.includes(leaf)));
}

export function sameMessage(a: Message, b: Message): boolean {
  return a.name === b.name && sameJson(a.data, b.data);
}

function contextOf(
  subscriber: Subscriber,
  history: History,
  receipt: Pick<Receipt, 'connection'> & Partial<Receipt>,
  change: Change,
): Record<string, unknown> {
  const rights = history.rightsAt(change.sequence);
  const { connection, afterResync } = receipt;
  const { interest } = subscriber.options;
  const { principal, credential } = connection.ticket;
  return {
    sequence: change.sequence,
    before: change.before,
    after: change.after,
    interest: { ...interest, fields: interest.fields && [...interest.fields] },
    principal: rights.principals.get(principal ?? ''),
    credential: rights.credentials.get(credential ?? ''),
    policy: rights.policies.get(change.schema.id),
    inherited: rights.policies.get(change.schema.registerId),
    cursor: connection.cursor,
    floor: connection.floor,
    liveAfter: connection.liveAfter,
    afterResync,
    gateway: connection.gateway.name,
    transport: connection.transport,
    past: subscriber.trail,
  };
}
