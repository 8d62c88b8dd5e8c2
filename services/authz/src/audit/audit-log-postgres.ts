import { AUDIT_BEGINNING, isUuid } from '@tidewire/contract';
import type { AuditEntry, AuditKind } from '@tidewire/contract';
import type { Pool } from '@tidewire/service-kit';

/** A place in the log: after this entry. */
export interface AuditPosition {
  readonly number: number;
  readonly id: string;
}

/** Before the first entry. */
export const AUDIT_START: AuditPosition = Object.freeze({ number: 0, id: AUDIT_BEGINNING });

/** Which entries are wanted; each member narrows. */
export interface AuditFilter {
  readonly kind?: AuditKind | undefined;
  readonly principal?: string | undefined;
  readonly actor?: string | undefined;
  readonly sinceMs?: number | undefined;
}

export interface AuditPageRequest {
  readonly filter: AuditFilter;
  /** Undefined: from the end of the log that the order begins with. */
  readonly after: AuditPosition | undefined;
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
  readonly maxBytes: number;
}

export interface AuditLogPage {
  readonly entries: readonly AuditEntry[];
  readonly more: boolean;
  /** The newest entry of the log in the snapshot of the page, whether or not it was wanted. */
  readonly newest: AuditPosition;
}

/** Whether a credential still lets its holder read the log, as of the snapshot of a page. */
export type AuditAuthority = 'granted' | 'ended' | 'forbidden';

interface NewestRow {
  readonly number: number | null;
  readonly id: string | null;
}

/** The newest entry. */
export async function readNewest(db: Pool): Promise<AuditPosition> {
  const { rows } = await db.query<NewestRow>(
    `SELECT number, id FROM authz.audit ORDER BY number DESC LIMIT 1`,
  );
  return toPosition(rows[0]);
}

/** The place after an entry; undefined when there is none of this id in this database. */
export async function findPosition(db: Pool, id: string): Promise<AuditPosition | undefined> {
  if (id === AUDIT_BEGINNING) return AUDIT_START;
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<AuditPosition>(`SELECT number, id FROM authz.audit WHERE id = $1`, [id]);
  return rows[0];
}

/**
 * A page of the log: at least one entry, however large. One statement, so that nothing is committed between its entries
 * and what it says is the newest: whoever goes on after that misses nothing.
 */
export async function readAuditPage(db: Pool, request: AuditPageRequest): Promise<AuditLogPage> {
  const { rows } = await db.query<NewestRow & Pick<AuditLogPage, 'entries' | 'more'>>(
    `SELECT page.*, newest.number, newest.id FROM (${pageSql(request.order)}) page
     LEFT JOIN (SELECT number, id FROM authz.audit ORDER BY number DESC LIMIT 1) newest ON true`,
    pageParameters(request),
  );
  const [row] = rows;
  return { entries: row?.entries ?? [], more: row?.more ?? false, newest: toPosition(row) };
}

/** The same for a stream, with the authority of its credential in the same snapshot; without it, no entries. */
export async function readAuditPageFor(
  db: Pool,
  credential: string,
  nowMs: number,
  request: AuditPageRequest,
): Promise<AuditLogPage & { readonly authority: AuditAuthority }> {
  const { rows } = await db.query<
    NewestRow & Pick<AuditLogPage, 'entries' | 'more'> & { authority: AuditAuthority | null }
  >(
    `SELECT page.*, newest.number, newest.id, holder.authority FROM (${pageSql(request.order)}) page
     LEFT JOIN (SELECT number, id FROM authz.audit ORDER BY number DESC LIMIT 1) newest ON true
     LEFT JOIN (
       SELECT CASE
         WHEN c.ended_at IS NOT NULL OR c.expires_at <= to_timestamp($9::float8 / 1000) OR p.removed THEN 'ended'
         WHEN p.admin THEN 'granted' ELSE 'forbidden' END AS authority
       FROM authz.credentials c JOIN authz.principals p ON p.id = c.principal WHERE c.id = $8
     ) holder ON true`,
    [...pageParameters(request), credential, nowMs],
  );
  const [row] = rows;
  const authority = row?.authority ?? 'ended';
  const granted = authority === 'granted';
  return {
    authority,
    entries: granted ? (row?.entries ?? []) : [],
    more: granted && row?.more === true,
    newest: toPosition(row),
  };
}

function pageSql(order: AuditPageRequest['order']): string {
  const [beyond, direction] = order === 'oldest' ? ['>', 'ASC'] : ['<', 'DESC'];
  return `
    WITH matching AS (
      SELECT a.number, authz.audit_entry(a) AS entry FROM authz.audit a
      WHERE ($1::bigint IS NULL OR a.number ${beyond} $1) AND ($2::text IS NULL OR a.kind = $2)
        AND ($3::text IS NULL OR a.principal = $3) AND ($4::text IS NULL OR a.actor ->> 'id' = $4)
        AND ($5::float8 IS NULL OR a.time >= to_timestamp($5 / 1000))
      ORDER BY a.number ${direction} LIMIT $6::bigint + 1
    ), sized AS (
      SELECT entry, row_number() OVER ordered AS place, sum(octet_length(entry::text)) OVER ordered AS bytes
      FROM matching WINDOW ordered AS (ORDER BY number ${direction})
    ), judged AS (
      SELECT entry, place, place = 1 OR (place <= $6::bigint AND bytes <= $7::bigint) AS fits FROM sized
    )
    SELECT coalesce((SELECT jsonb_agg(entry ORDER BY place) FROM judged WHERE fits), '[]') AS entries,
      EXISTS (SELECT FROM judged WHERE NOT fits) AS more`;
}

function pageParameters({ filter, after, limit, maxBytes }: AuditPageRequest): unknown[] {
  const { kind, principal, actor, sinceMs } = filter;
  return [after?.number, kind, principal, actor, sinceMs, limit, maxBytes].map((value) => value ?? null);
}

function toPosition(row: NewestRow | undefined): AuditPosition {
  const { number, id } = row ?? {};
  return typeof number === 'number' && typeof id === 'string' ? { number, id } : AUDIT_START;
}
