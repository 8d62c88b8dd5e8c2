import { mayListRow, mayReadByRule, mayReadRow } from './evaluator.ts';
import { canonicalJson, rowInView, sameJson } from './expectation.ts';
import type { Interest, Viewer } from './expectation.ts';
import { Finding } from './finding.ts';
import { selectedRowOf } from './graphql-face.ts';
import { expectedRow, withErrorsLeftOut } from './graphql-query.ts';
import type { History } from './history.ts';
import { isListing } from './lists.ts';
import type { ListRequest, Listing, RefusedListing } from './lists.ts';
import type { Model } from './model.ts';
import { isFound, judgeOrder } from './order.ts';
import type { Image, Schema } from './rights.ts';
import type { Follower } from './follower.ts';
import { tableRecordOf, tableRowOf } from './table-face.ts';

/** What is judged against: what happened, and what is there now. */
export interface Reality {
  readonly history: History;
  readonly schemas: readonly Schema[];
  /** The newest images of the rows that exist. */
  readonly rows: ReadonlyMap<string, { readonly schema: Schema; readonly image: Image }>;
  readonly model: Model;
}

/** A list against what the evaluator says: the same rows, with the same members and values. */
export function judgeListing(
  viewer: Viewer,
  { history, rows, model }: Reality,
  listing: Listing | RefusedListing,
  { search, order = [], query }: Pick<ListRequest, 'search' | 'order' | 'query'> = {},
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
    if (query !== undefined) expected.set(uuid, expectedRow(question, row.image, query.selection, rows));
    else {
      const isRecord = isListing(listing) && listing.face === 'table';
      expected.set(uuid, isRecord ? tableRecordOf(viewer, rights, model, { schema, seen }) : seen);
    }
    if (mayReadByRule(question, row.image)) byRule += 1;
  }
  const who = `${viewer.asker.principal}, ${schema.register}/${schema.slug}, ${JSON.stringify(viewer.interest.filter)}`;
  if (!isListing(listing)) {
    // Whoever may read its own rows only does not know the schema; a field that may be read on no row is not there.
    const { filter, alternatives, fields } = viewer.interest;
    const isWhole = filter.length === 0 && alternatives === undefined;
    const known = byRule > 0 && (listing.status !== 400 || isWhole);
    if (known && fields === undefined && order.length === 0) {
      throw new Finding('wrong-refusal', `the list of ${who} was refused`, { ...listing, byRule });
    }
    return;
  }
  judgeRows(
    'wrong-list',
    `the list of ${who}`,
    withErrorsLeftOut(
      new Map(listing.rows.map((row) => [String(row['id']), row])),
      expected,
      listing.errorsLeftOut ?? 0,
    ),
    expected,
    { face: listing.face, search, order, ...rightsOf(viewer, history) },
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
export function judgeView(subscriber: Follower, reality: Reality, unlisted: ReadonlySet<string>): void {
  const { history, rows, schemas } = reality;
  const { viewer, unlisted: lacking } = subscriber;
  const find = (register: string, slug: string): Schema | undefined =>
    schemas.find((schema) => schema.register === register && schema.slug === slug);
  const actual = subscriber.view(find);
  const expected = new Map<string, Image>();
  for (const [uuid, { schema, image }] of rows) {
    const seen = rowInView(viewer, history.rights, schema, image);
    if (seen === undefined || ((unlisted.has(schema.id) || lacking.has(uuid)) && !actual.has(uuid))) continue;
    expected.set(uuid, shownRowOf(viewer.interest, seen));
  }
  judgeRows(
    'wrong-view',
    `the view of ${subscriber.options.name} (${viewer.asker.principal})`,
    actual,
    expected,
    {
      interest: { ...viewer.interest, fields: viewer.interest.fields && [...viewer.interest.fields] },
      transport: subscriber.connection?.transport,
      state: subscriber.state,
      past: subscriber.trail,
      ...rightsOf(viewer, history),
    },
  );
}

/** What a finding has to say of rights, to be understood without another run. */
function rightsOf({ asker }: Viewer, { rights }: History): Readonly<Record<string, unknown>> {
  return {
    principal: rights.principals.get(asker.principal ?? ''),
    credential: rights.credentials.get(asker.credential ?? ''),
    policies: Object.fromEntries(rights.policies),
    organisations: [...rights.organisations.values()],
  };
}

/** A row in the words in which its subscriber has it. */
function shownRowOf({ table, graphql }: Interest, seen: Image): Image {
  if (graphql !== undefined) return selectedRowOf(graphql, seen);
  return table === undefined ? seen : tableRowOf(seen);
}

/** Whether a refusal of the topics says what is so: nothing in them may be read by a rule. */
export function judgeRefusal(subscriber: Follower, { history, rows }: Reality): void {
  const { refusal, viewer } = subscriber;
  if (refusal === undefined) return;
  const visible = [...rows.values()].filter(({ schema, image }) => {
    const question = { rights: history.rights, asker: viewer.asker, schema, now: Date.now() };
    return mayReadRow(question, image) && mayReadByRule(question, image);
  });
  const concerned = visible.filter(
    ({ schema, image }) =>
      rowInView(
        { ...viewer, interest: { ...viewer.interest, filter: [], alternatives: undefined } },
        history.rights,
        schema,
        image,
      ) !== undefined,
  );
  const { filter, alternatives, fields, order } = viewer.interest;
  const hasFields =
    filter.length > 0 || alternatives !== undefined || fields !== undefined || order !== undefined;
  const aboutFields = refusal.status === 400 && refusal.body.includes('UNKNOWN_FIELD');
  if (aboutFields && hasFields) return;
  if (refusal.status === 404 && concerned.length === 0) return;
  // One topic that is not there refuses the whole request.
  if (refusal.status === 404 && viewer.interest.topics.length > 1) return;
  throw new Finding('wrong-refusal', `${subscriber.options.name} was refused`, {
    refusal,
    topics: viewer.interest.topics,
    mayRead: concerned.length,
  });
}
