import { canonical } from '@tidewire/condition';
import { EXPLAIN_LIMITS, EXPLANATION_STEPS, TidewireError, formatEventId } from '@tidewire/contract';
import type {
  LogPosition,
  ObjectType,
  ReachedSchema,
  ReadableRows,
  StoppedEvents,
  SubscriptionExplanation,
} from '@tidewire/contract';
import { decideAccess, explainAccess, explainRules } from '@tidewire/policy';
import type { Decision } from '@tidewire/policy';
import { judge, maskNow } from '../fanout/judge.ts';
import type { ObjectEntry } from '../fanout/subscription.ts';
import { matchesInterests } from '../replay/matching.ts';
import { coveredSchemas } from '../rights/resolve-topics.ts';
import {
  NO_WISH,
  createJudgedClasses,
  describePrincipal,
  judgingOf,
  readRequest,
} from './explained-reader.ts';
import type { ExplainedReader, SubscriptionParts } from './explained-reader.ts';

export interface SubscriptionQuestion extends ExplainedReader {
  readonly parts: SubscriptionParts;
  /** What subscribing would be answered with, when the topics are not there for the reader. */
  readonly refusal: TidewireError | undefined;
  /** Events of the topics, oldest first, at most `limit`. */
  readonly past: readonly ObjectEntry[];
  readonly limit: number;
  readonly position: LogPosition;
  /** Whether the caller may be told about what the reader does not see. */
  readonly administrator: boolean;
}

type Stop = Omit<StoppedEvents, 'count' | 'newest'>;
type PastEvents = NonNullable<SubscriptionExplanation['events']>;

/**
 * Explains what a subscription sees: what it reaches, and what became of past events, judged as of now by the classes of
 * the fan-out. Who is no administrator is told of events of objects that it can see now, and of no rule.
 */
export function explainSubscription(question: SubscriptionQuestion): SubscriptionExplanation {
  const { view, parts, position, administrator } = question;
  const principal = describePrincipal(question);
  const refusal = question.refusal ?? filterRefusal(question);
  const schemas = coveredSchemas(view, parts.interests).map((schema) => describeSchema(question, schema));
  const listed = schemas.toSorted((a, b) => compareNames(nameOf(a), nameOf(b)));
  const wished = { ...question, parts: refusal === undefined ? parts : { ...parts, ...NO_WISH } };
  const events = administrator ? countAll(wished) : countSeen(wished);
  return {
    kind: 'subscription',
    verdict: conclude(principal.id, refusal, listed, events),
    principal,
    position: formatEventId(position),
    refusal:
      refusal === undefined ? null : { code: refusal.code, status: refusal.status, message: refusal.message },
    schemas: listed.slice(0, EXPLAIN_LIMITS.maxSchemas),
    truncated: listed.length > EXPLAIN_LIMITS.maxSchemas,
    events,
  };
}

/** What is wrong with filter or fields, for this reader. */
function filterRefusal(question: SubscriptionQuestion): TidewireError | undefined {
  try {
    createJudgedClasses(question, question.parts);
    return undefined;
  } catch (error) {
    if (error instanceof TidewireError) return error;
    throw error;
  }
}

function nameOf({ register, schema }: ReachedSchema): string {
  return `${register}/${schema}`;
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function describeSchema(question: SubscriptionQuestion, schema: ObjectType): ReachedSchema {
  const { view, administrator } = question;
  const request = readRequest(question, schema.id);
  const decision = decideAccess(request);
  const rows = readableRows(decision);
  const inactive = request.principal?.admin === false && view.chainOf(request.principal).length === 0;
  return {
    register: view.register(schema.register)?.slug ?? '',
    schema: schema.slug,
    rows,
    reason: inactive ? 'There is no active organisation, so there are no rows to read.' : ROWS[rows],
    rules: administrator ? [...explainRules(request)] : [],
    unreadable: decision.allowed
      ? decision.reads.names.filter((_, index) => decision.reads.conditions[index]?.op === 'false')
      : [],
  };
}

const ROWS = Object.freeze({
  none: 'No rows can be read.',
  own: 'Only rows that the principal owns can be read: no rule can hold for it.',
  some: 'Rows that match a rule, and own rows, can be read.',
  all: 'Every row within reach can be read.',
} satisfies Record<ReadableRows, string>);

function readableRows(decision: Decision): ReadableRows {
  if (!decision.allowed) return 'none';
  if (decision.rows.op === 'false') return decision.ownerPasses ? 'own' : 'none';
  return canonical(decision.rows) === canonical(decision.boundary) ? 'all' : 'some';
}

/** Judges events of the subscription: what stops an event, or nothing when it is delivered. */
function createJudge(question: SubscriptionQuestion): (entry: ObjectEntry) => Stop | undefined {
  const { parts } = question;
  const wished = createJudgedClasses(question, parts);
  const unfiltered = createJudgedClasses(question, { ...parts, ...NO_WISH });
  const judging = judgingOf(question);
  return ({ message }) => {
    if (!matchesInterests(parts.interests, message)) return OTHER_TOPIC;
    const viewClass = wished(message);
    if (viewClass !== undefined && message.unencodable === true) return undefined;
    if (viewClass !== undefined && judge(viewClass, message, judging) !== undefined) return undefined;
    const open = unfiltered(message);
    if (open === undefined || judge(open, message, judging) === undefined) return stopOf(question, message);
    const anyEvent = viewClass && judge({ ...viewClass, events: undefined }, message, judging);
    return anyEvent === undefined ? NO_MATCH : OTHER_EVENT;
  };
}

const OTHER_TOPIC: Stop = { step: 'topic', reason: 'It is of something else that had the same name.' };
const NO_MATCH: Stop = { step: 'filter', reason: 'It does not match the filter, on what may be read of it.' };
const OTHER_EVENT: Stop = { step: 'event', reason: 'It is none of the events that were asked for.' };

/** The first thing that keeps an event from a reader who asked for all of them. */
function stopOf(question: SubscriptionQuestion, message: ObjectEntry['message']): Stop {
  const image = message.after ?? message.before;
  const explained = explainAccess(readRequest(question, message.schema.id), image ?? {}, question.nowMs);
  const step = explained.steps.find(({ outcome }) => outcome === 'stops');
  if (step === undefined) return OTHER_TOPIC;
  return { step: step.step, reason: step.reason, ...(step.rule && { rule: step.rule }) };
}

function countAll(question: SubscriptionQuestion): PastEvents {
  const { past, limit } = question;
  const [oldest] = past;
  return {
    limit,
    read: past.length,
    ...(oldest && { oldest: formatEventId(oldest) }),
    ...count(past, createJudge(question)),
  };
}

/** Only events of objects whose newest state the reader sees: of others it learns neither that nor how often they changed. */
function countSeen(question: SubscriptionQuestion): PastEvents {
  const { past, limit, parts } = question;
  const open = createJudgedClasses(question, { ...parts, ...NO_WISH });
  const judging = judgingOf(question);
  const newest = new Map(past.map(({ message }) => [message.uuid, message]));
  const seen = past.filter(({ message }) => {
    const viewClass = open(message);
    const image = newest.get(message.uuid)?.after ?? null;
    if (viewClass === undefined || image === null || !matchesInterests(parts.interests, message))
      return false;
    return (
      maskNow(viewClass, image, judging) !== undefined && judge(viewClass, message, judging) !== undefined
    );
  });
  return { limit, ...count(seen, createJudge(question)) };
}

function count(
  entries: readonly ObjectEntry[],
  stopsAt: (entry: ObjectEntry) => Stop | undefined,
): Pick<PastEvents, 'delivered' | 'stopped'> {
  const stopped = new Map<string, StoppedEvents>();
  let delivered = 0;
  for (const entry of entries) {
    const stop = stopsAt(entry);
    if (stop === undefined) {
      delivered += 1;
      continue;
    }
    const key = JSON.stringify(stop);
    const before = stopped.get(key)?.count ?? 0;
    stopped.set(key, { ...stop, count: before + 1, newest: formatEventId(entry) });
  }
  return { delivered, stopped: [...stopped.values()].toSorted(compareStops) };
}

/** In the order in which it is asked, then in that of the policy's places. */
function compareStops(a: Stop, b: Stop): number {
  return (
    EXPLANATION_STEPS.indexOf(a.step) - EXPLANATION_STEPS.indexOf(b.step) ||
    compareNames(a.rule?.pointer ?? '', b.rule?.pointer ?? '') ||
    compareNames(a.reason, b.reason)
  );
}

function conclude(
  id: string,
  refusal: TidewireError | undefined,
  schemas: readonly ReachedSchema[],
  { delivered, stopped, read, limit }: PastEvents,
): string {
  if (refusal !== undefined) {
    return `Subscribing is answered ${refusal.status} ${refusal.code}: ${refusal.message}.`.replace(
      '..',
      '.',
    );
  }
  if (schemas.every(({ rows }) => rows === 'none')) return `'${id}' can read no row of what it asks for.`;
  if (read === 0) return 'The log holds no event of what is asked for: nothing happened.';
  const of = read === undefined ? `at the last ${limit} positions of the log` : `of the last ${read} events`;
  if (delivered > 0) return `${delivered} ${of} ${delivered === 1 ? 'is' : 'are'} for '${id}'.`;
  const [most] = stopped.toSorted((a, b) => b.count - a.count);
  if (most === undefined) return `Nothing ${of} is for '${id}'.`;
  return `None ${of} is for '${id}'. ${most.count} of them: ${most.reason}`;
}
