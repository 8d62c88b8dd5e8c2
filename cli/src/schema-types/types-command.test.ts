import { once } from 'node:events';
import {
  mkdir,
  mkdtempDisposable,
  open,
  readFile,
  readdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createApiClient } from '../api-client.ts';
import { typesCommand } from './types-command.ts';

const REGISTER = { id: '1', slug: 'sales', title: 'Sales', description: '', version: 1, authorization: null };
const SCHEMA = {
  id: '2',
  slug: 'orders',
  table: 'orders',
  register: 'sales',
  title: 'Orders',
  description: '',
  properties: { status: { type: 'string', enum: ['new', 'shipped'] }, total: { type: 'number' } },
  required: ['status'],
  version: 1,
  authorization: null,
  // What a newer server may say besides.
  colour: 'red',
};
const CHANGED = {
  ...SCHEMA,
  properties: { status: { type: 'string', enum: ['open'] }, weight: { type: 'number' } },
};

interface Scene extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly file: string;
  /** Who writes `types.ts` of the folder, unless told otherwise. */
  readonly run: (words?: { out?: string; check?: boolean }, token?: string) => Promise<Outcome>;
  /** What the server has from here on. */
  readonly answer: (schemas: readonly unknown[], registers?: readonly unknown[]) => void;
}

interface Outcome {
  readonly isSame: boolean;
  readonly printed: string;
}

async function openScene(): Promise<Scene> {
  let lists: Record<string, readonly unknown[]> = { '/api/registers': [REGISTER], '/api/schemas': [SCHEMA] };
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === 'Bearer good';
    const results = lists[request.url ?? ''] ?? [];
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isKnown ? { results, total: results.length } : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const temporary = await mkdtempDisposable(join(tmpdir(), 'tidewire-types-'));
  const file = join(temporary.path, 'types.ts');
  return {
    url,
    folder: temporary.path,
    file,
    run: async ({ check = false, ...words } = { out: file }, token = 'good') => {
      let printed = '';
      const out = 'out' in words ? words.out : check ? file : undefined;
      const print = (text: string): void => void (printed += text);
      const isSame = await typesCommand(createApiClient({ url, token }), { out, check }, print);
      return { isSame, printed };
    },
    answer: (schemas, registers = [REGISTER]) => {
      lists = { '/api/registers': registers, '/api/schemas': schemas };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

test('without a file the types are printed, and nothing else is', async () => {
  await using scene = await openScene();
  const { isSame, printed } = await scene.run({});
  expect(isSame).toBe(true);
  expect(printed).toMatch(/^\/\/ Made by [^]*export interface Orders \{\n {2}status: 'new' \| 'shipped';\n/);
  await scene.run();
  expect(await readFile(scene.file, 'utf8')).toBe(printed);
});

test('the text names neither the server nor the token', async () => {
  await using scene = await openScene();
  const { printed } = await scene.run({});
  expect(printed).not.toContain('127.0.0.1');
  expect(printed).not.toContain('good');
});

test('a file that is right is not written again, one that is not is replaced, and no draft stays', async () => {
  await using scene = await openScene();
  expect(await scene.run()).toEqual({ isSame: true, printed: `${scene.file} is written.\n` });
  const { ino, mtimeNs } = await stat(scene.file, { bigint: true });
  expect((await scene.run()).printed).toBe(`${scene.file} is what ${scene.url} says.\n`);
  expect(await stat(scene.file, { bigint: true })).toMatchObject({ ino, mtimeNs });
  scene.answer([CHANGED]);
  await scene.run();
  expect(await readFile(scene.file, 'utf8')).toContain("status: 'open';");
  expect(await readdir(scene.folder)).toEqual(['types.ts']);
});

test('whoever reads the file while it is replaced has all of the old text', async () => {
  await using scene = await openScene();
  await scene.run();
  const old = await readFile(scene.file, 'utf8');
  await using reader = await open(scene.file);
  scene.answer([CHANGED]);
  await scene.run();
  expect(await reader.readFile('utf8')).toBe(old);
  expect(await readFile(scene.file, 'utf8')).not.toBe(old);
});

test('a link to the file stays one', async () => {
  await using scene = await openScene();
  const link = join(scene.folder, 'link.ts');
  await writeFile(scene.file, '');
  await symlink(scene.file, link);
  await scene.run({ out: link });
  expect(await readFile(scene.file, 'utf8')).toContain('export interface Orders');
});

test('a check says what is another, where, and writes nothing', async () => {
  await using scene = await openScene();
  await scene.run();
  expect((await scene.run({ check: true })).isSame).toBe(true);
  const before = await readFile(scene.file, 'utf8');
  scene.answer([CHANGED]);
  const { isSame, printed } = await scene.run({ check: true });
  expect(isSame).toBe(false);
  expect(printed)
    .toBe(`${scene.file} is not what ${scene.url} says now. Make it again: tidewire types --out ${scene.file}

  export interface Orders {
-   status: 'new' | 'shipped';
-   total?: number;
+   status: 'open';
+   weight?: number;
`);
  expect(await readFile(scene.file, 'utf8')).toBe(before);
});

test('a check of a file that is not there says so, and makes none', async () => {
  await using scene = await openScene();
  const { isSame, printed } = await scene.run({ check: true });
  expect([isSame, printed]).toEqual([
    false,
    `${scene.file} does not exist. Make it: tidewire types --out ${scene.file}\n`,
  ]);
  expect(await readdir(scene.folder)).toEqual([]);
});

test('line ends of another system are no difference', async () => {
  await using scene = await openScene();
  const { printed } = await scene.run({});
  await writeFile(scene.file, printed.replaceAll('\n', '\r\n'));
  expect((await scene.run({ check: true })).isSame).toBe(true);
});

test('what cannot be done is said in plain words, and the file stays what it was', async () => {
  await using scene = await openScene();
  const { url, folder, file } = scene;
  await writeFile(file, 'mine');
  await mkdir(join(folder, 'sub'));
  await expect(scene.run({ out: file }, 'bad')).rejects.toThrow(
    `the token does not count at ${url}. Give one that does with --token, or in TIDEWIRE_TOKEN.`,
  );
  await expect(scene.run({ out: join(folder, 'no', 'types.ts') })).rejects.toThrow(
    'types.ts cannot be written: its folder does not exist',
  );
  await expect(scene.run({ out: join(folder, 'sub') })).rejects.toThrow('sub cannot be read: it is a folder');
  await expect(scene.run({ out: join(file, 'types.ts') })).rejects.toThrow(
    'cannot be read: its folder is a file',
  );
  scene.answer([]);
  await expect(scene.run({ out: file })).rejects.toThrow(`the token may read no table of ${url}.`);
  scene.answer([{ slug: 'orders' }]);
  await expect(scene.run({ out: file })).rejects.toThrow(`what answers at ${url} is no Tidewire server`);
  const nobody = createApiClient({ url: 'http://127.0.0.1:1', token: 'good' });
  await expect(typesCommand(nobody, { out: file, check: false }, () => undefined)).rejects.toThrow(
    'nothing answers at http://127.0.0.1:1',
  );
  await expect(typesCommand(nobody, { check: true }, () => undefined)).rejects.toThrow(
    '--check needs the file',
  );
  expect(await readFile(file, 'utf8')).toBe('mine');
  expect(await readdir(folder)).toEqual(['sub', 'types.ts']);
});
