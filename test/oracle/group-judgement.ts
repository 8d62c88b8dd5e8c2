import { messageOf, replayedMessageOf } from './expectation.ts';
import type { Message, Viewer } from './expectation.ts';
import { faceOf } from './faces.ts';
import type { FeedGroup } from './feed-group.ts';
import { Finding } from './finding.ts';
import type { Handed } from './group-ledger.ts';
import type { Change, History } from './history.ts';
import { isLeak, sameMessage } from './judgement.ts';
import type { Rights } from './rights.ts';

/**
 * Judges what a group was given and has done since the last time: each event as it might be told when it was handed out,
 * and each done that had to be. `moments`: as of messages of subscribers.
 */
export function judgeGroup(
  group: FeedGroup,
  history: History,
  position: number,
  moments: readonly number[],
): number {
  const { ledger } = group;
  const { receipts } = ledger;
  const viewers = moments.map((now) => ({ ...group.viewer, now }));
  if (!group.isLeft) {
    for (const handed of receipts) judgeHanded(group, history, handed, viewers);
    if (group.refusal === undefined && ledger.start !== undefined) {
      judgeCompleteness(group, history, position, viewers);
      group.completeUpTo = position;
    }
  }
  ledger.forget();
  return receipts.length;
}

function judgeHanded(group: FeedGroup, history: History, handed: Handed, viewers: readonly Viewer[]): void {
  const { sequence, event, floor } = handed;
  const { name, interest } = group.options;
  const change = history.at(sequence);
  if (change === undefined) {
    // Who takes over a group that was led by a killed one tells again what was done last.
    if (sequence <= group.completeUpTo && group.ledger.isKnown(sequence)) return;
    throw new Finding('leak', `${name} was told of something that did not happen`, { event });
  }
  const face = faceOf(interest, 'nats');
  const told = face.told(event);
  const possible = rightsFrom(history, Math.max(sequence, floor)).flatMap((rights) =>
    viewers.flatMap((viewer) => [...tellings(viewer, rights, change, history)]),
  );
  const expected = possible.map((one) => one && face.said(one, change, event.id));
  if (!expected.some((one) => one !== undefined && sameMessage(one, told))) {
    const leaves = expected.map((one) => one && face.leaves(one));
    throw new Finding(
      isLeak(face.leaves(told), leaves) ? 'leak' : 'wrong-message',
      `a worker of ${name} was told wrongly of ${change.uuid} version ${change.version}`,
      { told, expected, ...contextOf(group, history, change), floor, leader: handed.leader },
    );
  }
  face.judgeRest(name, event, change);
}

/** What would have been told of in every way of telling is done, or was fetched again since. */
function judgeCompleteness(
  group: FeedGroup,
  history: History,
  position: number,
  viewers: readonly Viewer[],
): void {
  const { ledger, completeUpTo, options } = group;
  const { start = 0, fetchedUpTo } = ledger;
  for (const change of history.between(Math.max(start, completeUpTo, fetchedUpTo), position)) {
    if (ledger.isDone(change.sequence)) continue;
    const ways = rightsFrom(history, change.sequence).flatMap((rights) =>
      viewers.flatMap((viewer) => [...tellings(viewer, rights, change, history)]),
    );
    if (ways.includes(undefined)) continue;
    throw new Finding('loss', `nobody of ${options.name} has done ${change.uuid} version ${change.version}`, {
      expected: ways,
      position,
      state: group.state,
      known: ledger.isKnown(change.sequence),
      ...contextOf(group, history, change),
    });
  }
}

function rightsFrom(history: History, sequence: number): Rights[] {
  return history.rightsWithin(sequence, Infinity);
}

/** What may be told of a change under some rights: as it happens, or as part of any past that it is part of. */
function* tellings(
  viewer: Viewer,
  rights: Rights,
  change: Change,
  history: History,
): Generator<Message | undefined> {
  yield messageOf(viewer, rights, change);
  const row = history.of(change.uuid);
  const index = row.indexOf(change);
  for (let first = 0; first <= index; first += 1) {
    for (let last = index; last < row.length; last += 1) {
      yield replayedMessageOf(viewer, rights, change, row.slice(first, last + 1));
    }
  }
}

function contextOf(group: FeedGroup, history: History, change: Change): Record<string, unknown> {
  const { interest } = group.options;
  const rights = history.rightsAt(change.sequence);
  const { principal, credential } = group.viewer.asker;
  return {
    sequence: change.sequence,
    before: change.before,
    after: change.after,
    row: history.of(change.uuid).map(({ sequence }) => sequence),
    interest: { ...interest, fields: interest.fields && [...interest.fields] },
    principal: rights.principals.get(principal ?? ''),
    credential: rights.credentials.get(credential ?? ''),
    policy: rights.policies.get(change.schema.id),
    inherited: rights.policies.get(change.schema.registerId),
    past: group.trail.slice(-6),
  };
}
