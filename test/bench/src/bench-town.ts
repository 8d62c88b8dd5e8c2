import { randomUUID } from 'node:crypto';
import { createApi } from '../../support/api.ts';
import type { Api } from '../../support/api.ts';

/** Principals that each make a view class of their own, and the schema that they all read. */
export interface BenchTown {
  readonly register: string;
  readonly path: string;
  readonly schemaId: string;
  readonly organisation: string;
  readonly readers: readonly { readonly token: string; readonly maySeeSecret: boolean }[];
  readonly writer: Api;
}

/**
 * Builds one organisation, one schema with a row rule that names the reader (so that every principal is a class) and a
 * property that every second reader may not see.
 */
export async function buildBenchTown(
  base: string,
  adminToken: string,
  readerCount: number,
): Promise<BenchTown> {
  const admin = createApi(base, adminToken);
  const suffix = randomUUID().slice(0, 8);
  const organisation = randomUUID();
  await admin.send('POST', '/api/organisations', {
    id: organisation,
    slug: `bench-${suffix}`,
    name: 'Bench',
  });
  const readers = [];
  for (let index = 0; index < readerCount; index += 1) {
    const id = `reader-${index}-${suffix}`;
    const maySeeSecret = index % 2 === 0;
    await admin.send('POST', '/api/principals', {
      id,
      name: id,
      organisations: [organisation],
      activeOrganisation: organisation,
      groups: maySeeSecret ? [{ organisation, group: 'insiders' }] : [],
    });
    const { token } = await admin.send<{ token: string }>('POST', '/api/auth/tokens', {
      principal: id,
      name: 'bench',
    });
    readers.push({ token, maySeeSecret });
  }
  const register = `bench-${suffix}`;
  await admin.send('POST', '/api/registers', { slug: register, title: 'Bench' });
  const schema = await admin.send<{ id: string }>('POST', '/api/schemas', {
    register,
    slug: 'items',
    title: 'Items',
    authorization: {
      read: [{ group: 'authenticated', match: { hiddenFrom: { $ne: '$userId' } } }],
      create: ['authenticated'],
      update: ['authenticated'],
    },
    properties: {
      title: { type: 'string' },
      hiddenFrom: { type: 'string' },
      amount: { type: 'integer' },
      note: { type: 'string' },
      sentUs: { type: 'integer' },
      secret: { type: 'string', authorization: { read: ['insiders'] } },
    },
  });
  return {
    register,
    path: `/api/objects/${register}/items`,
    schemaId: schema.id,
    organisation,
    readers,
    writer: createApi(base, readers[0]?.token),
  };
}

/** The row that every measurement writes: about 600 bytes as an event. */
export function benchRow(sentUs: number): Record<string, unknown> {
  return {
    title: 'a row of ordinary size',
    hiddenFrom: 'nobody',
    amount: 42,
    note: 'n'.repeat(120),
    sentUs,
    secret: 'only for insiders',
  };
}

/** The machine's monotonic clock in microseconds, which loader and writer share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
