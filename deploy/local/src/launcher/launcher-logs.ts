import { closeSync, existsSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const INTERVAL_MS = 150;
const CHUNK_BYTES = 64 * 1024;

interface Followed {
  position: number;
  rest: string;
}

/**
 * Shows what is appended to the `*.log` files of a folder from now on, line by line, with the file's name. Returns
 * how to stop it, which shows what is left.
 */
export function followLogs(folder: string, show: (name: string, line: string) => void): () => void {
  const files = new Map<string, Followed>();
  for (const path of logFiles(folder)) files.set(path, { position: statSync(path).size, rest: '' });
  const readOn = (): void => {
    for (const path of logFiles(folder)) {
      const file = files.get(path) ?? { position: 0, rest: '' };
      files.set(path, file);
      const lines = (file.rest + readFrom(path, file)).split('\n');
      file.rest = lines.pop() ?? '';
      const name = path.slice(folder.length + 1, -'.log'.length);
      for (const line of lines) show(name, line);
    }
  };
  const timer = setInterval(readOn, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    readOn();
  };
}

function logFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(folder, name));
}

function readFrom(path: string, file: Followed): string {
  const size = statSync(path).size;
  if (size < file.position) file.position = 0; // it was moved away and begun anew
  const descriptor = openSync(path, 'r');
  let text = '';
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    while (file.position < size) {
      const bytes = readSync(descriptor, buffer, 0, CHUNK_BYTES, file.position);
      if (bytes === 0) break;
      file.position += bytes;
      text += buffer.toString('utf8', 0, bytes);
    }
  } finally {
    closeSync(descriptor);
  }
  return text;
}
