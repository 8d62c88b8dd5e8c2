import { basename, extname } from 'node:path';
import { isSlug } from '@tidewire/contract';
import type { ApiClient } from './api-client.ts';
import { inferSchema } from './inferred-schema.ts';
import type { ProgressBar } from './progress-bar.ts';
import { createRecords } from './record-batches.ts';
import { readRows } from './row-file.ts';

interface ImportOptions {
  readonly file: string;
  readonly register: string | undefined;
  readonly schema: string;
  readonly progress: ProgressBar;
}

/**
 * Makes a register with one schema from a file and writes its rows. The file is read twice: once to decide on types,
 * once to write, so its size does not matter.
 *
 * @throws Error for a file that cannot be read, and ApiError for what the server refuses (a slug that is taken, a row).
 */
export async function importFile(
  api: ApiClient,
  options: ImportOptions,
): Promise<{ readonly register: string; readonly schema: string; readonly rows: number }> {
  const register = options.register ?? slugOf(options.file);
  for (const slug of [register, options.schema]) {
    if (!isSlug(slug)) throw new Error(`"${slug}" is not a slug: use a-z, 0-9, "_" and "-"`);
  }
  let total = 0;
  const counted = async function* (): ReturnType<typeof readRows> {
    for await (const row of readRows(options.file)) {
      total += 1;
      yield row;
    }
  };
  const inferred = await inferSchema(counted());
  await api.send('POST', '/api/registers', { slug: register, title: basename(options.file) });
  const { table } = (await api.send('POST', '/api/schemas', {
    register,
    slug: options.schema,
    title: basename(options.file),
    properties: inferred.properties,
  })) as { readonly table: string };
  const written = async function* (): AsyncGenerator<object> {
    for await (const row of readRows(options.file)) yield inferred.toObject(row);
  };
  const onWritten = (count: number): void => options.progress.update('rows imported', count, total);
  const rows = await createRecords(api, { table, onWritten }, written());
  options.progress.finish(`${rows} rows imported`);
  return { register, schema: options.schema, rows };
}

function slugOf(file: string): string {
  return basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
}
