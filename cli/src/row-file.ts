import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';

/** A row as the file has it: CSV gives text only, NDJSON any JSON value. */
export type FileRow = Readonly<Record<string, unknown>>;

/**
 * The rows of a `.csv` (first line: column names) or `.ndjson`/`.jsonl` file, one at a time.
 *
 * @throws Error naming the line for a row that cannot be read, and for any other kind of file.
 */
export async function* readRows(file: string): AsyncGenerator<FileRow> {
  const kind = extname(file).toLowerCase();
  if (kind === '.csv') {
    const parser = createReadStream(file).pipe(
      parse({ columns: true, bom: true, skip_empty_lines: true, trim: true, max_record_size: 1_000_000 }),
    );
    for await (const row of parser) yield row as FileRow;
    return;
  }
  if (kind !== '.ndjson' && kind !== '.jsonl') {
    throw new Error(`"${file}" is neither .csv nor .ndjson`);
  }
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() !== '') yield parseLine(file, line, text);
  }
}

function parseLine(file: string, line: number, text: string): FileRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${file}:${line}: not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${file}:${line}: a row must be a JSON object`);
  }
  return value as FileRow;
}
