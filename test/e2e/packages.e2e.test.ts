import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Newcomer, readGuide } from '../support/newcomer.ts';

const LIBRARIES = ['client', 'react', 'tanstack-db'];

const PROGRAM = `
import { ClientError, ConflictError, createClient } from '@tidewire/client';
import type { Client, CloudEvent, DataSource, LiveRow, PresentUser, Resync, SourceState } from '@tidewire/client';
import { TidewireProvider, useConnectionStatus, useLiveRecord, useLiveTable, usePresence } from '@tidewire/react';
import type { LiveTable } from '@tidewire/react';
import { createElement } from 'react';

interface Orders { customer: string; status?: 'new' | 'shipped'; total?: number }
interface Tables { orders: Orders }

declare module '@tidewire/react' {
  interface Register { tables: Tables }
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T | undefined => undefined;

export const client: Client<Tables> = createClient<Tables>({ url: 'http://localhost:8080', getToken: () => null });
export const source: DataSource<Orders> = client.dataSource({ table: 'orders', sort: [{ field: 'total', direction: 'desc' }] });
// @ts-expect-error -- there is no such table
client.dataSource({ table: 'order' });
// @ts-expect-error -- nor such a field
client.dataSource({ table: 'orders', fields: ['totals'] });

export async function write(): Promise<LiveRow<Orders> | string> {
  try {
    return await source.insert({ customer: 'Jansen' });
  } catch (error) {
    if (error instanceof ConflictError) return error.conflict.id;
    if (error instanceof ClientError) return error.code;
    throw error;
  }
}

client.subscribe({ topic: 'register/shop' }, {
  event: (event) => {
    yes<Same<typeof event, CloudEvent>>();
    yes<Same<Exclude<typeof event.data.object, undefined>['id'], string>>();
  },
  resync: (resync) => void yes<Same<typeof resync, Resync>>(),
});
client.subscribe({ table: 'orders' }, {
  event: ({ record }) => void yes<Same<Exclude<typeof record, undefined>['fields'], Orders>>(),
});

export function Table() {
  const table = useLiveTable({ table: 'orders', fields: ['customer'] });
  const whole: LiveTable<Orders, Pick<Orders, 'customer'>> = table;
  yes<Same<(typeof table.rows)[number]['fields'], Pick<Orders, 'customer'>>>();
  // @ts-expect-error -- this field was not asked for
  table.rows[0]?.fields.total;
  const { record } = useLiveRecord({ table: 'orders', id: 'one' });
  const status: 'new' | 'shipped' | undefined = record?.fields.status;
  const { users } = usePresence('/orders');
  const first: PresentUser | undefined = users[0];
  const state: SourceState = whole.state;
  return createElement('p', null, status, first?.name, state, useConnectionStatus().state);
}
export const app = createElement(TidewireProvider, { client }, createElement(Table));
`;

const COLLECTION = `
import { createCollection } from '@tanstack/db';
import { createClient } from '@tidewire/client';
import { tidewireCollectionOptions } from '@tidewire/tanstack-db';

interface Tables { orders: { customer: string; total?: number } }

const client = createClient<Tables>({ url: 'http://localhost:8080' });
const orders = createCollection(tidewireCollectionOptions({ client, table: 'orders', limit: 10 }));
export const customer: string | undefined = orders.get('one')?.customer;
// @ts-expect-error -- there is no such field
export const nothing = orders.get('one')?.custommer;
`;

const TABLES = `
export interface Tables {
  orders: { customer: string; status?: 'new' | 'shipped'; total?: number };
}
`;

const IMPORTS = `
const [client, react, db] = await Promise.all(
  ['@tidewire/client', '@tidewire/react', '@tidewire/tanstack-db'].map((name) => import(name)),
);
const source = client.createClient({ url: 'http://localhost:1' }).dataSource({ table: 'orders' });
console.log(source.getSnapshot().state, typeof react.useLiveTable, typeof db.tidewireCollectionOptions);
`;

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'ES2022',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  types: [],
};

let newcomer: Newcomer;

beforeAll(async () => {
  newcomer = await Newcomer.arrive();
  await newcomer.write(
    new Map([
      ['package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' })],
      ['program.ts', PROGRAM],
      ['collection.ts', COLLECTION],
      ['imports.js', IMPORTS],
    ]),
  );
  const tarballs = LIBRARIES.map((name) => join(newcomer.checkout, 'packages', `tidewire-${name}.tgz`));
  const others = '@tanstack/db react @types/react typescript';
  await newcomer.run(`npm install --no-audit --no-fund ${tarballs.join(' ')} ${others}`);
});
afterAll(() => newcomer?.[Symbol.asyncDispose]());

/** What the compiler says of one file and of all that it imports. */
async function typeCheck(file: string, options: object): Promise<string> {
  const config = { compilerOptions: { ...compilerOptions, ...options }, include: [file] };
  await newcomer.write(new Map([['tsconfig.json', JSON.stringify(config)]]));
  return await newcomer.run('npx tsc').catch((error: Error) => error.message);
}

const RESOLUTIONS = [
  { module: 'ESNext', moduleResolution: 'bundler' },
  { module: 'NodeNext', moduleResolution: 'nodenext' },
];

test.for(RESOLUTIONS)(
  'a strict program type-checks with moduleResolution $moduleResolution, and so do all declarations',
  async (resolution) => {
    expect(await typeCheck('program.ts', resolution)).toBe('');
  },
);

test.for(RESOLUTIONS)(
  'so does one with a collection, with moduleResolution $moduleResolution',
  async (resolution) => {
    // Declarations of @tanstack/db itself want a little less.
    expect(await typeCheck('collection.ts', { ...resolution, exactOptionalPropertyTypes: false })).toBe('');
  },
);

test.for(LIBRARIES)('the code in the README of %s type-checks', async (name) => {
  const { files } = readGuide(`libs/${name}/README.md`);
  expect(files.size).toBeGreaterThan(0);
  const folder = `readme-${name}`;
  const paths = [...files].map(([path, code]): [string, string] => [`${folder}/${path}`, code]);
  await newcomer.write(new Map([...paths, [`${folder}/tidewire.ts`, TABLES]]));
  const options = { module: 'ESNext', moduleResolution: 'bundler', jsx: 'react-jsx' };
  const exactOptionalPropertyTypes = name !== 'tanstack-db';
  expect(await typeCheck(folder, { ...options, exactOptionalPropertyTypes })).toBe('');
});

test('Node imports them as they are', async () => {
  expect(await newcomer.run('node imports.js')).toBe('idle function function\n');
});

test.for(LIBRARIES)(
  'the package %s has code, its source map, types, a README and the licence, and no word of what is private',
  async (name) => {
    const folder = join(newcomer.app, 'node_modules', '@tidewire', name);
    const files = await readdir(folder, { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        join('dist', 'index.d.ts'),
        join('dist', 'index.js'),
        join('dist', 'index.js.map'),
      ]),
    );
    for (const file of files.filter((path) => /\.(js|d\.ts|json)$/.test(path))) {
      const text = await readFile(join(folder, file), 'utf8');
      expect(text, file).not.toMatch(
        /@tidewire\/(?!client|react|tanstack-db)|["']zod["']|\/libs\/.*\/libs\//,
      );
    }
    const map = JSON.parse(await readFile(join(folder, 'dist/index.js.map'), 'utf8')) as {
      sources: string[];
      sourcesContent: (string | null)[];
    };
    expect(map.sources.every((path) => /^(\.\.\/contract\/)?src\//.test(path))).toBe(true);
    expect(map.sourcesContent.every((text) => typeof text === 'string')).toBe(true);
  },
);

test('the package for React says to bundlers of server components that it is for browsers', async () => {
  const code = await readFile(join(newcomer.app, 'node_modules/@tidewire/react/dist/index.js'), 'utf8');
  expect(code).toMatch(/^["']use client["'];/);
});
