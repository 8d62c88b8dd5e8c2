import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compileCache, runFolder, startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');
const COMPILER = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);
const OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  isolatedDeclarations: true,
  declaration: true,
  verbatimModuleSyntax: true,
  noEmit: true,
  target: 'ES2024',
  module: 'ESNext',
  moduleResolution: 'bundler',
  types: [],
};
const ORGANISATION = '6a1f3c52-0000-4000-8000-000000000001';
const PROPERTIES = {
  'status': { type: 'string', enum: ['new', 'processing', 'shipped'], description: 'Ends */ here.' },
  'customer': { type: 'string' },
  // Whoever is in no such group gets orders without it.
  'email': { type: 'string', format: 'email', authorization: { read: ['sellers'] } },
  'total': { type: 'number', default: 0 },
  'house number': { type: 'integer' },
  'address': {
    type: 'object',
    properties: { city: { type: 'string' }, lines: { type: 'array', items: { type: 'string' } } },
    required: ['city'],
  },
};
const APP = `import type { Registers, Tables } from './tidewire';

export function isOpen(order: Tables['orders']): boolean {
  return order.status === 'new';
}
export function greet(order: Registers['sales']['orders']): string {
  return order.customer.toUpperCase();
}
`;

interface Row {
  readonly id: string;
  readonly fields: Record<string, unknown>;
}

let platform: Platform;
let admin: Api;
let schema = '';
/** Of who may read orders, and is no administrator. */
let reader = '';

beforeAll(async () => {
  platform = await startPlatform();
  admin = createApi(platform.origin, platform.adminToken);
  await admin.send('POST', '/api/organisations', { id: ORGANISATION, slug: 'a', name: 'A' });
  await admin.send('POST', '/api/principals', {
    id: 'rita',
    name: 'Rita',
    organisations: [ORGANISATION],
    activeOrganisation: ORGANISATION,
    groups: [],
  });
  reader = (
    await admin.send<{ token: string }>('POST', '/api/auth/tokens', { principal: 'rita', name: 'types' })
  ).token;
  await admin.send('POST', '/api/registers', { slug: 'sales', title: 'Sales' });
  const made = await admin.send<{ id: string }>('POST', '/api/schemas', {
    register: 'sales',
    slug: 'orders',
    properties: PROPERTIES,
    required: ['status', 'customer', 'email'],
    authorization: { read: ['authenticated'] },
  });
  schema = made.id;
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

interface Ending {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function run(folder: string, program: string, words: readonly string[]): Promise<Ending> {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { code, output, errors };
}

/** An app in a folder of its own. */
function makeApp(name: string, app: string): string {
  const folder = join(runFolder('types'), name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: OPTIONS, include: ['*.ts'] }),
  );
  writeFileSync(join(folder, 'app.ts'), app);
  return folder;
}

function types(folder: string, ...words: readonly string[]): Promise<Ending> {
  const given = words.includes('--token') ? [] : ['--token', platform.adminToken];
  return run(folder, COMMAND, ['types', '--url', platform.origin, ...given, ...words]);
}

async function compile(folder: string): Promise<readonly string[]> {
  const { output } = await run(folder, COMPILER, ['--pretty', 'false', '-p', '.']);
  return output.trim().split('\n').filter(Boolean);
}

test('what readers get is what the types say: with all fields, with what was cleared, and with what they may not read', async () => {
  const rita = createApi(platform.origin, reader);
  const orders = '/api/tables/orders/records';
  const always = { status: 'new', customer: 'Jansen' };
  const email = 'jansen@example.org';
  const given = { ...always, email, 'house number': 4, 'address': { city: 'Zwolle', lines: ['1'] } };
  const { id } = await rita.send<Row>('POST', orders, { fields: given });
  const full = await admin.send<Row>('GET', `${orders}/${id}`);
  expect(full.fields).toEqual({ ...given, total: 0 });
  const nulls = { 'total': null, 'house number': null, 'address': { lines: null } };
  await admin.send('PATCH', `${orders}/${id}`, { fields: nulls });
  const cleared = await admin.send<Row>('GET', `${orders}/${id}`);
  expect(cleared.fields).toEqual({ ...always, email, address: { city: 'Zwolle' } });
  const trimmed = await rita.send<Row>('GET', `${orders}/${id}`);
  expect(trimmed.fields).toEqual({ ...always, address: { city: 'Zwolle' } });
  const records = [full, cleared, trimmed].map((row) => JSON.stringify(row.fields));
  const folder = makeApp(
    'readers',
    `import type { Tables } from './tidewire';\nexport const orders: Tables['orders'][] = [${records.join(', ')}];\n`,
  );
  expect((await types(folder, '--out', 'tidewire.ts')).code).toBe(0);
  expect(await compile(folder)).toEqual([]);
});

test('an app no longer type-checks, at the lines that are wrong, when the schema changed and the types were made again', async () => {
  const folder = makeApp('app', APP);
  const file = join(folder, 'tidewire.ts');
  expect(await types(folder, '--out', 'tidewire.ts')).toMatchObject({ code: 0, errors: '' });
  expect(await types(folder, '--out', 'tidewire.ts', '--check')).toMatchObject({ code: 0, errors: '' });
  expect(await compile(folder)).toEqual([]);

  const made = readFileSync(file, 'utf8');
  await admin.send('PATCH', `/api/schemas/${schema}`, {
    properties: {
      status: { type: 'string', enum: ['open', 'processing', 'shipped'] },
      customer: { type: 'string', authorization: { read: ['sellers'] } },
    },
  });
  const { code, output, errors } = await types(folder, '--out', 'tidewire.ts', '--check');
  expect([code, errors, output]).toEqual([
    1,
    '',
    `tidewire.ts is not what ${platform.origin} says now. Make it again: tidewire types --out tidewire.ts

  export interface Orders {
-   customer: string;
+   customer?: string;
-   /** Ends *\\/ here. */
-   status: 'new' | 'processing' | 'shipped';
+   status: 'open' | 'processing' | 'shipped';
`,
  ]);
  expect(readFileSync(file, 'utf8')).toBe(made);

  await types(folder, '--out', 'tidewire.ts');
  expect(await compile(folder)).toEqual([
    expect.stringMatching(/^app\.ts\(4,10\): error TS2367: /),
    expect.stringMatching(/^app\.ts\(7,10\): error TS18048: 'order\.customer' is possibly 'undefined'/),
  ]);
});

test('who is no administrator is told no rules, and so no field is said to be always there', async () => {
  const { code, output } = await types(makeApp('reader', ''), '--token', reader);
  expect(code).toBe(0);
  expect(output).toContain('// Made without the rules of properties');
  expect(output).toContain("  status?: 'open' | 'processing' | 'shipped';\n");
});

test('what could not be done ends with 2 and says why, and writes nothing', async () => {
  const folder = makeApp('wrong', '');
  const outcomes = await Promise.all([
    types(folder, '--token', 'nobody', '--out', 'app.ts', '--check'),
    types(folder, '--url', 'http://127.0.0.1:1', '--out', 'app.ts'),
  ]);
  expect(outcomes.map(({ code, output }) => [code, output])).toEqual(outcomes.map(() => [2, '']));
  expect(outcomes.map(({ errors }) => errors.replace(platform.origin, 'ORIGIN'))).toEqual([
    'tidewire: the token does not count at ORIGIN. Give one that does with --token, or in TIDEWIRE_TOKEN.\n',
    'tidewire: nothing answers at http://127.0.0.1:1. Is Tidewire running? Start it with "npm start".\n',
  ]);
  expect(readFileSync(join(folder, 'app.ts'), 'utf8')).toBe('');
});
