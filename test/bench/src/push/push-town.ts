import { randomUUID } from 'node:crypto';
import { PUSH_PATHS } from '@tidewire/contract';
import type { PushChanges } from '@tidewire/contract';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../../../support/api.ts';
import { createCrowd, forEachAtOnce } from '../../../support/crowd.ts';
import type { Citizen } from '../../../support/crowd.ts';

/** One collection, and people who may read it and whom push knows. */
export interface PushTown {
  readonly citizens: readonly Citizen[];
  /** Changes one row, in turn, and says when it was written: milliseconds since 1970. */
  readonly write: (turn: number) => Promise<PushWrite>;
}

/** One event. */
export interface PushWrite {
  readonly uuid: string;
  readonly version: number;
  readonly writtenAt: number;
}

interface Written {
  readonly id: string;
  readonly _version: number;
  readonly _updated: string;
}

const ROWS = 20;
const REQUESTS_AT_ONCE = 8;
/** Every other one sees more than the others: two classes of readers. */
const INSIDERS = 'insiders';

/** Builds it over REST, as an administrator would. Everybody asks once what changed, and is a follower then. */
export async function buildPushTown(platform: Platform, users: number): Promise<PushTown> {
  const admin = createApi(platform.origin, platform.adminToken);
  const suffix = randomUUID().slice(0, 8);
  const organisation = randomUUID();
  const slug = `push-${suffix}`;
  await admin.send('POST', '/api/organisations', { id: organisation, slug, name: 'Push' });
  await admin.send('POST', '/api/registers', { slug, title: 'Push' });
  await admin.send('POST', '/api/schemas', {
    register: slug,
    slug: 'items',
    title: 'Items',
    authorization: { read: ['authenticated'], create: ['authenticated'], update: ['authenticated'] },
    properties: {
      title: { type: 'string' },
      secret: { type: 'string', authorization: { read: [INSIDERS] } },
    },
  });
  const citizens = await createCrowd(platform, {
    organisation,
    count: users,
    groupsOf: (index) => (index % 2 === 0 ? [INSIDERS] : []),
  });
  await forEachAtOnce(citizens, REQUESTS_AT_ONCE, ({ api }) =>
    api.send<PushChanges>('GET', PUSH_PATHS.changes),
  );
  const [writer] = citizens;
  if (writer === undefined) throw new Error('there is nobody to write');
  const path = `/api/objects/${slug}/items`;
  const rows: string[] = [];
  for (let row = 0; row < ROWS; row += 1) {
    rows.push((await writer.api.send<Written>('POST', path, { title: 'new' })).id);
  }
  return {
    citizens,
    write: async (turn) => {
      const row = `${path}/${rows[turn % ROWS] ?? ''}`;
      const written = await writer.api.send<Written>('PATCH', row, { title: `turn ${turn}` });
      const { id: uuid, _version: version, _updated: updated } = written;
      return { uuid, version, writtenAt: Date.parse(updated) };
    },
  };
}
