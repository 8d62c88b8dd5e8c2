import { createHash } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { Principal } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { identify } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { resolveTable } from '../rights/resolve-table.ts';

/** A page of one organisation: the same path is another page in another organisation. */
export interface Page {
  readonly organisation: string;
  readonly path: string;
  /** Token of subjects and keys; tells nothing of the two. */
  readonly key: string;
}

/** A page, and who comes to it. */
export interface Visit {
  readonly page: Page;
  readonly principal: Principal;
}

const TABLES = '/tables/';

/**
 * The page that a normalised path is to a reader, as of now. Below `/tables/{table}` it is there for who knows the
 * table; every other path is open to the people of an organisation.
 *
 * @throws TidewireError FORBIDDEN for who is nobody, acts for no organisation or by a credential that is limited to
 * other things; NOT_FOUND, as everywhere, for a table that is absent or may not be known.
 */
export function requirePage(view: RightsView, reader: Reader, path: string): Visit {
  const { principal, scopes } = identify(view, reader) ?? {};
  if (principal === undefined || principal === null) {
    throw new TidewireError('FORBIDDEN', 'Only people who are known can be on a page');
  }
  const organisation = principal.activeOrganisation;
  if (organisation === null) {
    throw new TidewireError('FORBIDDEN', 'Only people who act for an organisation can be on a page');
  }
  if (path.startsWith(TABLES)) {
    const named = nameTable(view, reader, path);
    return { page: pageOf(organisation, named), principal };
  }
  if (scopes?.topics !== undefined || scopes?.actions?.includes('read') === false) {
    throw new TidewireError('FORBIDDEN', 'This credential is limited to other things than this page');
  }
  return { page: pageOf(organisation, path), principal };
}

/** Whether the reader still acts for the organisation of the page; the quick look before each message. */
export function belongsTo(view: RightsView, reader: Reader, page: Page): boolean {
  return identify(view, reader)?.principal?.activeOrganisation === page.organisation;
}

/** The path with the table by its slug, however it was named. */
function nameTable(view: RightsView, reader: Reader, path: string): string {
  const [name = '', ...below] = path.slice(TABLES.length).split('/');
  const { table } = resolveTable(view, reader, decodeURIComponent(name));
  return [`${TABLES}${table}`, ...below].join('/');
}

function pageOf(organisation: string, path: string): Page {
  const key = createHash('sha256')
    .update(JSON.stringify([organisation, path]))
    .digest('base64url');
  return { organisation, path, key };
}
