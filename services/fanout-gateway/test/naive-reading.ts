import { evaluate } from '@tidewire/condition';
import { EVENT_NAMES, formatEventId } from '@tidewire/contract';
import type { ObjectAction, ObjectImage, ObjectMessage, Principal } from '@tidewire/contract';
import { hasField, isVisibleAt, projectRow, visibleFields } from '@tidewire/policy';
import type { Decision, Granted, RightsView } from '@tidewire/policy';
import { EPOCH, SOURCE, TYPE_PREFIX, decide } from './fan-out-builder.ts';
import type { Interest, SubscriptionRequest } from '../src/fanout/subscription.ts';

/** For tests only: the fan-out as anybody would write it down first, one reader and one event at a time. */
interface Reader {
  readonly who: Principal;
  readonly wish: SubscriptionRequest;
}

const NOW = Date.parse('2026-01-01T00:00:00.000Z');

/** What one reader must be told of one event: no classes, masks, indexes, shapes or joining. */
export function tell(
  view: RightsView,
  { who, wish }: Reader,
  sequence: number,
  message: ObjectMessage,
): unknown {
  const decision = decisionOf(view, who, message.schema.id);
  if (!decision.allowed || !wish.topics.some((topic) => covers(topic, message))) return undefined;
  const sees = (row: ObjectImage | null): boolean =>
    row !== null &&
    isVisibleAt(decision, row, NOW) &&
    evaluate(wish.filter, projectRow(decision, row, NOW), { now: NOW });
  const [before, after] = [sees(message.before), sees(message.after)];
  const { action } = message;
  let told: { name: ObjectAction; data: Record<string, unknown> } | undefined;
  const { uuid: id, register, schema, organisation, version } = message;
  const identity = { uuid: id, register: register.slug, schema: schema.slug };
  const shares =
    wish.actorOrganisations === 'all' || wish.actorOrganisations.includes(message.actor?.organisation ?? '');
  const actor = shares ? { actor: { id: 'writer', name: 'Writer' } } : {};
  const full = { ...identity, organisation, version, ...actor };
  const object = (): unknown => ({ object: objectOf(decision, wish, message.after) });
  if (action === 'created' && after) told = { name: 'created', data: { ...full, ...spread(object()) } };
  if (action === 'deleted' && before) told = { name: 'deleted', data: { ...identity, version, ...actor } };
  if (action === 'updated' && after && !before) {
    told = { name: 'updated', data: { ...full, transition: 'entered', ...spread(object()) } };
  }
  if (action === 'updated' && before && !after) {
    told = { name: 'deleted', data: { ...identity, transition: 'left' } };
  }
  if (action === 'updated' && before && after) {
    const changed = changedOf(decision, wish, message);
    told = { name: 'updated', data: { ...full, changed, ...spread(object()) } };
  }
  if (told === undefined || wish.events?.includes(told.name) === false) return undefined;
  const eventId = formatEventId({ epoch: EPOCH, sequence });
  return {
    id: eventId,
    event: EVENT_NAMES[told.name],
    data: {
      specversion: '1.0',
      id: eventId,
      source: SOURCE,
      type: `${TYPE_PREFIX}.${EVENT_NAMES[told.name]}`,
      time: message.time,
      subject: id,
      datacontenttype: 'application/json',
      sequence: String(sequence).padStart(12, '0'),
      ...(told.data['transition'] === 'left' ? {} : { correlationid: 'c-1' }),
      data: told.data,
    },
  };
}

/** Rights do not change while a reading is compared; only asking for them takes time. */
const decisions = new WeakMap<Principal, Map<string, Decision>>();

function decisionOf(view: RightsView, who: Principal, schema: string): Decision {
  const known = decisions.get(who) ?? new Map<string, Decision>();
  decisions.set(who, known);
  const decision = known.get(schema) ?? decide(view, who, schema);
  known.set(schema, decision);
  return decision;
}

function spread(value: unknown): Record<string, unknown> {
  return value as Record<string, unknown>;
}

function covers(topic: Interest, message: ObjectMessage): boolean {
  switch (topic.kind) {
    case 'register':
      return topic.registerId === message.register.id;
    case 'schema':
      return topic.schemaId === message.schema.id;
    case 'object':
      return topic.uuid === message.uuid;
    case 'organisation':
      return topic.organisationId === message.organisation;
  }
}

function isWanted(wish: SubscriptionRequest, name: string): boolean {
  return wish.fields === undefined || wish.fields.includes(name);
}

function objectOf(decision: Granted, wish: SubscriptionRequest, row: ObjectImage | null): unknown {
  if (row === null) return undefined;
  const projected = Object.entries(projectRow(decision, row, NOW));
  const members = projected.filter(([name]) => name.startsWith('_') && name !== '__proto__');
  const properties = projected.filter(([name]) => !members.some(([member]) => member === name));
  return asJson([['id', row._uuid], ...members, ...properties.filter(([name]) => isWanted(wish, name))]);
}

function changedOf(decision: Granted, wish: SubscriptionRequest, { before, after }: ObjectMessage): unknown {
  if (before === null || after === null) return asJson([]);
  const [older, newer] = [visibleFields(decision, before, NOW), visibleFields(decision, after, NOW)];
  const changes = decision.reads.names.flatMap((name, index): [string, unknown][] => {
    if (!hasField(older, index) || !hasField(newer, index) || !isWanted(wish, name)) return [];
    const values = { old: valueOf(before, name), new: valueOf(after, name) };
    return JSON.stringify(values.old) === JSON.stringify(values.new) ? [] : [[name, values]];
  });
  return asJson(changes);
}

function valueOf(row: ObjectImage, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

/** An object as JSON.parse makes it. */
function asJson(members: readonly (readonly [string, unknown])[]): unknown {
  return JSON.parse(
    `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
  );
}
