import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRows } from './row-file.ts';

async function rowsOf(name: string, text: string): Promise<unknown[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tidewire-rows-'));
  const file = join(folder.path, name);
  await writeFile(file, text);
  const rows: unknown[] = [];
  for await (const row of readRows(file)) rows.push(row);
  return rows;
}

test('CSV cells may be quoted and hold commas, quotes and line ends', async () => {
  expect(await rowsOf('a.csv', '\uFEFFname,note\r\n"Jansen, J.","says ""hi""\nand leaves"\r\n')).toEqual([
    { name: 'Jansen, J.', note: 'says "hi"\nand leaves' },
  ]);
});

test('a line of NDJSON that is not an object is refused by its number', async () => {
  expect(await rowsOf('a.ndjson', '{"a":1}\n\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  await expect(rowsOf('a.ndjson', '{"a":1}\n[1]\n')).rejects.toThrow(
    'a.ndjson:2: a row must be a JSON object',
  );
  await expect(rowsOf('a.ndjson', '{"a":1}\n{oops\n')).rejects.toThrow('a.ndjson:2: not JSON');
});

test('another kind of file is refused by name', async () => {
  await expect(rowsOf('a.xlsx', '')).rejects.toThrow('neither .csv nor .ndjson');
});
